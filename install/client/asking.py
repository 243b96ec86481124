"""What the gateway says of a key: the models it may use, with their sizes and prices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2

from gateway.secret import Secret
from install.client.failures import Failure, failure_of, refusal_of
from install.client.setup import Model
from install.errors import GatewayError, UsageError
from install.open_webui.proxies import is_loopback
from install.wording import say

_SECONDS = 20
_MOST_BYTES = 4 * 1024 * 1024
_MOST_NAMED = 20
_SOON = timedelta(days=90)


def client(root: str) -> httpx2.Client:
    """Return a client for the gateway's routes; redirects could carry the key elsewhere and are not followed."""
    return httpx2.Client(base_url=root, timeout=_SECONDS, follow_redirects=False, trust_env=not is_loopback(root))


def root_of(address: str) -> str:
    """Return the address without `/v1`. Raises `UsageError`."""
    root = address.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    try:
        url = httpx2.URL(root)
        good = url.scheme in ("http", "https") and bool(url.host) and not url.userinfo and not url.query
    except httpx2.InvalidURL:
        good = False
    if not good or not root.isprintable() or " " in root:
        raise UsageError(
            say("{address!r} is not an address of a gateway.", address=address[:100]),
            say("Write it as https://gateway.example.com."),
        )
    return root


def read_models(http: httpx2.Client, key: Secret) -> list[Model]:
    """Return the models that a key may use, in the configuration's order. Raises `GatewayError`."""
    listed = _get(http, "/v1/models", key).get("data")
    models = [_model(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    found = [each for each in models if each]
    if not found:
        raise GatewayError(
            say("The gateway at {url} lists no model for this key.", url=_root(http)),
            say("Ask an administrator which models the key may use."),
        )
    return found


def read_prices(http: httpx2.Client, key: Secret, kept: str) -> dict[str, float]:
    """Return USD for a million tokens in and a million out, of models with a price. Raises `GatewayError`.

    Models that end soon are left out, but for `kept`.
    """
    listed = _get(http, "/v1/me", key).get("models")
    prices: dict[str, float] = {}
    for each in listed if isinstance(listed, list) else []:
        price = each.get("price_usd_per_million_tokens") if isinstance(each, dict) else None
        if not isinstance(price, Mapping) or (ends_soon(each.get("notice")) and each.get("id") != kept):
            continue
        paid, answered = price.get("input"), price.get("output")
        if isinstance(paid, int | float) and isinstance(answered, int | float):
            prices[str(each.get("id"))] = float(paid + answered)
    return prices


def ends_soon(notice: object, today: date | None = None) -> bool:
    """Return whether the notice of a model says that it ends within 90 days, or has ended."""
    told = notice if isinstance(notice, Mapping) else {}
    limit = f"{(today or datetime.now(UTC).date()) + _SOON}"
    ends = (told.get(name) for name in ("available_until", "end_of_life"))
    return any(isinstance(each, str) and each[:10] <= limit for each in ends)


def read_end(http: httpx2.Client, key: Secret) -> float | None:
    """Return when a valid key ends, in Unix seconds, None where it does not. Raises `GatewayError`."""
    ends = _get(http, "/v1/me", key).get("expires_at")
    return ends / 1e6 if isinstance(ends, int) and not isinstance(ends, bool) else None


def choose(models: Sequence[Model], name: str | None, modes: tuple[str, ...]) -> Model | None:
    """Return the model with a name, else the first of the modes. Raises `UsageError` for a name that is not listed."""
    fitting = [each for each in models if each.mode in modes]
    if name is None:
        return next(iter(fitting), None)
    found = next((each for each in models if each.id == name), None)
    if found is None:
        raise UsageError(
            say("This key may not use a model {name!r}.", name=name[:100]),
            say("It may use: {names}.", names=", ".join(each.id for each in fitting[:_MOST_NAMED]) or "–"),
        )
    return found


def _get(http: httpx2.Client, path: str, key: Secret) -> Mapping[str, Any]:
    try:
        answer = _read(http, path, key)
        content = answer.json() if answer.is_success else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
        raise _raised(failure_of(_root(http), error)) from error
    if not isinstance(content, Mapping):
        raise _raised(refusal_of(_root(http), answer))
    return content


def _read(http: httpx2.Client, path: str, key: Secret) -> httpx2.Response:
    """Return a response with its content. Raises `ValueError` for one that is too large."""
    with http.stream("GET", path, headers={"Authorization": f"Bearer {key.reveal()}"}) as answer:
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                raise ValueError(say("its answer is too large"))
    kept = {name: value for name, value in answer.headers.items() if name == "content-type"}
    return httpx2.Response(answer.status_code, headers=kept, content=bytes(content))


def _root(http: httpx2.Client) -> str:
    return str(http.base_url).rstrip("/")


def _raised(failure: Failure) -> GatewayError:
    return GatewayError(failure.problem, failure.remedy)


def _model(listed: Mapping[str, Any]) -> Model | None:
    name, mode = listed.get("id"), listed.get("mode", "chat")
    if not isinstance(name, str) or not name or not name.isprintable() or not isinstance(mode, str):
        return None
    sizes = (listed.get(field) for field in ("context_window", "max_output_tokens"))
    window, output = (size if isinstance(size, int) and size > 0 else None for size in sizes)
    return Model(name, mode, window, output)
