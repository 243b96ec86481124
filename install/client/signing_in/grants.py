"""The gateway's authorization server, as the command line asks it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from gateway.secret import Secret, weakness
from install.client.failures import Failure, failure_of, refusal_of
from install.errors import GatewayError
from install.wording import say, spoken

CLIENT_ID = "sekisho"
_LARGEST_BYTES = 64 * 1024
_LONGEST_SECONDS = 3650 * 86_400


@dataclass(frozen=True, slots=True)
class Server:
    """What the gateway says of its authorization server: its name, and the page to which a browser goes."""

    issuer: str
    page: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A key, when it ends in Unix seconds, and what renews it; None for a key that lasts."""

    key: Secret
    ends: float
    renewal: Secret | None = None
    email: str = ""


class GrantError(GatewayError):
    """The gateway gave no key; `code` is OAuth's word for why."""

    def __init__(self, code: str, problem: str, remedy: str) -> None:
        self.code = code
        super().__init__(problem, remedy)


def read_server(http: httpx2.Client) -> Server:
    """Return the authorization server of a gateway. Raises `GatewayError` where there is none."""
    answer = _answer(http, "GET", "/.well-known/oauth-authorization-server", None)
    content = _object(answer)
    issuer, page = (content.get(name) for name in ("issuer", "authorization_endpoint"))
    if not answer.is_success or not isinstance(issuer, str) or not isinstance(page, str) or not _is_page(page):
        raise _raised(refusal_of(_root(http), httpx2.Response(answer.status_code)))
    return Server(issuer, page)


def ask(http: httpx2.Client, path: str, **form: str) -> Mapping[str, Any]:
    """Return the answer to a form. Raises `GrantError`, and `GatewayError` where no gateway answers."""
    answer = _answer(http, "POST", path, form)
    content = _object(answer)
    if answer.is_success and (content or path.endswith("/revoke")):
        return content
    code = content.get("error")
    if not isinstance(code, str):
        raise _raised(refusal_of(_root(http), answer))
    raise _refused(_root(http), code, content)


def ask_for_key(http: httpx2.Client, **form: str) -> Granted:
    """Return what `/oauth/token` gives. Raises as `ask` does."""
    content = ask(http, "/oauth/token", **form)
    key, seconds, renewal = (content.get(name) for name in ("access_token", "expires_in", "refresh_token"))
    if not isinstance(key, str) or weakness(key) or not isinstance(seconds, int | float):
        raise _raised(refusal_of(_root(http), httpx2.Response(200)))
    email = content.get("email")
    return Granted(
        Secret(key),
        time.time() + min(max(float(seconds), 0), _LONGEST_SECONDS),
        Secret(renewal) if isinstance(renewal, str) and renewal else None,
        email[:320] if isinstance(email, str) and email.isprintable() else "",
    )


def _refused(root: str, code: str, content: Mapping[str, Any]) -> GrantError:
    why = next((text for name in ("message", "error_description") if (text := content.get(name))), code)
    shown = "".join(each for each in str(why)[:600] if each.isprintable())
    again = say("Sign in again: `sekisho login {root}`.", root=root)
    sentences = {
        "expired_token": say("Nobody said yes in time."),
        "invalid_grant": say("Your sign-in at {root} has ended.", root=root),
    }
    if code == "access_denied" and not content.get("message"):  # with one, it is the company's policy
        return GrantError(code, say("Somebody answered no in the browser."), again)
    if code in sentences:
        return GrantError(code, sentences[code], again)
    remedy = say("Once that is mended, run `sekisho login {root}` again.", root=root)
    return GrantError(code, say("The gateway gives no key: {why}", why=shown), remedy)


def _answer(http: httpx2.Client, method: str, path: str, form: Mapping[str, str] | None) -> httpx2.Response:
    """Return a response with its content, as far as an answer of the gateway goes. Raises `GatewayError`."""
    try:
        with http.stream(method, path, data=form, headers={"accept-language": spoken()}) as answer:
            content = bytearray()
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LARGEST_BYTES:
                    raise ValueError(say("its answer is too large"))
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise _raised(failure_of(_root(http), error)) from error
    return httpx2.Response(answer.status_code, content=bytes(content))


def _object(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_page(address: str) -> bool:
    """Return whether an address may be opened in a browser."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and address.isprintable() and " " not in address


def _root(http: httpx2.Client) -> str:
    return str(http.base_url).rstrip("/")


def _raised(failure: Failure) -> GatewayError:
    return GatewayError(failure.problem, failure.remedy)
