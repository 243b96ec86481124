"""One JSON request to Open WebUI, and its failures in our own words."""

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx2

from gateway.secret import Secret
from install.errors import OpenWebUIError, Refused
from install.open_webui.proxies import is_loopback, through_proxy
from install.wording import say

# Creating a function runs it; a server under load takes its time.
SECONDS = 60
CONNECT_SECONDS = 10
TIMEOUT = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)

# Pydantic repeats the refused value in its message, and that may be a secret valve.
REFUSED_VALUE = re.compile(r"input_value=.*?(, input_type=|\])", re.DOTALL)

PAGE = re.compile(r"\s*<(!doctype|html|head|\?xml)", re.IGNORECASE)
PAGE_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
PAGE_BYTES = 4096


class Http:
    """Sends JSON, returns JSON. Raises `OpenWebUIError`, for an error status `Refused`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._time: float | None = None
        try:
            # A redirect could carry the credentials to another host: never followed.
            self._client = httpx2.Client(
                base_url=self.url, timeout=TIMEOUT, follow_redirects=False, trust_env=not is_loopback(self.url)
            )
        except httpx2.InvalidURL as error:
            raise _unreachable(self.url, str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def authorized(self, token: Secret | None) -> None:
        self._client.headers.pop("Authorization", None)
        if token:
            self._client.headers["Authorization"] = f"Bearer {token.reveal()}"

    def get(self, path: str, **query: str | bool) -> Any:
        return self._send("GET", path, params=query)

    def post(self, path: str, body: object = None, *, patience: float = SECONDS) -> Any:
        """Send JSON; `patience` is in seconds, more where a model answers."""
        return self._send("POST", path, json=body, timeout=httpx2.Timeout(patience, connect=CONNECT_SECONDS))

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path)

    def upload(self, path: str, name: str, content: bytes, content_type: str) -> Any:
        return self._send("POST", path, files={"file": (name, content, content_type)})

    def raw(self, method: str, path: str, body: object = None) -> bytes:
        """Send a request; return the answer's bytes."""
        return self._answer(method, path, json=body).content

    def server_time(self) -> float | None:
        """Return the server's clock in Unix seconds, from the last answer."""
        return self._time

    def _send(self, method: str, path: str, **parts: Any) -> Any:
        response = self._answer(method, path, **parts)
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            raise not_open_webui(
                self.url, say("{path} is {kind_of} instead of JSON", path=path, kind_of=_kind_of(response))
            ) from error

    def _answer(self, method: str, path: str, **parts: Any) -> httpx2.Response:
        try:
            response = self._request(method, path, **parts)
        except httpx2.ReadTimeout as error:
            raise _busy(self.url, error.request) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise (_no_tls if "SSL" in why else _unreachable)(self.url, why) from error
        if response.is_redirect:
            raise not_open_webui(
                self.url, say("it redirects to {place}", place=response.headers.get("location", say("nowhere")))
            )
        if response.is_error:
            raise Refused(method, path, response.status_code, _detail(response))
        self._time = _time_of(response)
        return response

    def _request(self, method: str, path: str, **parts: Any) -> httpx2.Response:
        try:
            return self._client.request(method, path, **parts)
        except (httpx2.ReadError, httpx2.RemoteProtocolError):
            # Open WebUI drops a kept connection after an error of its own; asking again changes nothing.
            if method != "GET":
                raise
            return self._client.request(method, path, **parts)


def not_open_webui(url: str, why: str) -> OpenWebUIError:
    return OpenWebUIError(
        say("{url} answers, but not as Open WebUI ({why}).", url=url, why=why),
        say(
            "Give --url the address that opens the chat in a browser, without a path.{through_proxy}",
            through_proxy=through_proxy(url),
        ),
    )


def _unreachable(url: str, why: str) -> OpenWebUIError:
    return OpenWebUIError(
        say("Open WebUI does not answer at {url} ({why}).", url=url, why=why),
        say("Start it, or correct --url.{through_proxy}", through_proxy=through_proxy(url)),
    )


def _busy(url: str, request: httpx2.Request) -> OpenWebUIError:
    seconds = round(request.extensions["timeout"]["read"])
    why = say("no answer came within {seconds} seconds", seconds=seconds)
    return OpenWebUIError(
        say("Open WebUI at {url} gave no answer within {seconds} seconds.", url=url, seconds=seconds),
        say(
            "It, or a model that it asks, is busy: try again in a minute.{through_proxy}",
            through_proxy=through_proxy(url),
        ),
        why,
    )


def _no_tls(url: str, why: str) -> OpenWebUIError:
    return OpenWebUIError(
        say("There is no secure connection to {url} ({why}).", url=url, why=why),
        say(
            "If a company's own authority signed its certificate, set SSL_CERT_FILE to that authority's certificate; "
            "if it speaks plain HTTP, write http:// in --url."
        ),
    )


def functions_disabled() -> OpenWebUIError:
    return OpenWebUIError(
        say("Functions are switched off in this Open WebUI."),
        say("Start it with ENABLE_PLUGINS=true and ENABLE_FUNCTIONS=true."),
    )


def _time_of(response: httpx2.Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _kind_of(response: httpx2.Response) -> str:
    """Describe an answer that is no JSON: mostly a page of a proxy, of which the title says enough."""
    if not PAGE.match(text := response.text[:PAGE_BYTES]):
        return say("text")
    title = PAGE_TITLE.search(text)
    return say("a page, {title!r}", title=" ".join(title[1].split())[:100]) if title else say("a page")


def _detail(response: httpx2.Response) -> str:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        if PAGE.match(response.text[:PAGE_BYTES]):
            return say("{kind_of}, from a proxy before Open WebUI", kind_of=_kind_of(response))
        body = " ".join(response.text[:PAGE_BYTES].split()) or say("no reason given")
    detail = body.get("detail", body) if isinstance(body, dict) else body
    if isinstance(detail, list):
        # Validation errors repeat the whole input, keys included: keep the place and the reason.
        detail = "; ".join(map(_reason, detail))
    text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return REFUSED_VALUE.sub(r"input_value=***\1", text)[:500]


def _reason(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    place = item.get("loc")
    return f"{'.'.join(map(str, place)) if isinstance(place, list) else '?'}: {item.get('msg') or say('not accepted')}"
