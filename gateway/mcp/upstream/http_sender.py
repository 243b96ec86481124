"""Sends single HTTP requests to a tool server, and turns what is no success into errors."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urljoin, urlsplit

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST, METHOD_NOT_FOUND

from gateway.errors import UpstreamError
from gateway.mcp.errors import HttpFailure, NotSent, SessionLost, SignInNeeded, UpstreamDown
from gateway.mcp.upstream import messages
from gateway.upstream.answer import UpstreamAnswer
from gateway.upstream.client import UpstreamClient
from gateway.upstream.request import Timeouts, UpstreamRequest

Authorize = Callable[[], Awaitable[Mapping[str, str]]]
"""Gives the headers that authorize a request, each time anew."""
Refused = Callable[[Mapping[str, str], int, str], Awaitable[bool]]
"""Takes note of headers that were refused, with the status and the challenge; returns whether to try others."""

_LARGEST_ERROR = 64 * 1024
_SILENCE_SECONDS = 24 * 3600.0
"""Answers end by the deadline of a call, not by their silence."""
_MOST_HOPS = 3
_KEEPS_METHOD = (307, 308)
REFUSALS = (401, 403)
MOST_TRIES = 3
"""Requests with other credentials after the server refused some."""


class Sender:
    """Sends to one address. `session_id` and `version` go with every request once they are known."""

    def __init__(
        self, server: str, url: str, client: UpstreamClient, authorize: Authorize, refused: Refused, connect: float
    ) -> None:
        self.server = server
        self._url = url
        self._client = client
        self._authorize = authorize
        self._refused = refused
        self._timeouts = Timeouts(connect, _SILENCE_SECONDS, streams=True)
        self.session_id: str | None = None
        self.version: str | None = None

    async def open(
        self, verb: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, wants_answer: bool = False
    ) -> UpstreamAnswer:
        """Send and return an answer that is a success; the caller closes it.

        `wants_answer`: a mere acceptance is no success. Raises `UpstreamDown`, `MCPError`.
        """
        url = self._url
        for _ in range(_MOST_HOPS):
            answer = await self._authorized(verb, url, body, headers or {})
            try:
                target = _redirect(url, answer)
                if target is None:
                    await self._check(answer, wants_answer)
                    return answer
            except BaseException:
                answer.close()
                raise
            answer.close()
            if not (verb == "GET" or answer.status in _KEEPS_METHOD) or not _same_origin(url, target):
                break
            url = target
        raise UpstreamDown(self.server, "it redirects to another address; write that into 'url' if it is meant")

    async def _authorized(self, verb: str, url: str, body: bytes, headers: Mapping[str, str]) -> UpstreamAnswer:
        """Send, and again with other credentials where the server refuses: nothing of the request was done then."""
        for tries in range(1, MOST_TRIES + 1):
            credentials = await self._authorize()
            answer = await self._send(verb, url, body, headers, credentials)
            if answer.status not in REFUSALS:
                break
            challenge = answer.headers.get("www-authenticate", "")
            try:
                if not await self._refused(credentials, answer.status, challenge) or tries == MOST_TRIES:
                    break
            except BaseException:
                answer.close()
                raise
            answer.close()
        return answer

    async def _send(
        self, verb: str, url: str, body: bytes, headers: Mapping[str, str], credentials: Mapping[str, str]
    ) -> UpstreamAnswer:
        sent = {
            "accept": "text/event-stream" if verb == "GET" else "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": "sekisho",
            **credentials,
        }
        if body:
            sent["content-type"] = "application/json"
        if self.session_id is not None:
            sent["mcp-session-id"] = self.session_id
        if self.version is not None:
            sent["mcp-protocol-version"] = self.version
        request = UpstreamRequest(verb, url, {**sent, **headers}, body, self._timeouts)
        try:
            return await self._client.send(request)
        except UpstreamError as error:
            kind = NotSent if error.code == "upstream_unreachable" else UpstreamDown
            raise kind(self.server, "it cannot be reached") from error
        except TimeoutError as error:
            raise NotSent(self.server, "it does not take a connection in time") from error

    async def _check(self, answer: UpstreamAnswer, wants_answer: bool) -> None:
        """Raise for a failure: `SignInNeeded`, `SessionLost`, `HttpFailure`, `MCPError`."""
        status = answer.status
        if status < 300:
            if status == 202 and wants_answer:
                raise MCPError(INVALID_REQUEST, "The tool server accepted a request without answering it.")
            return
        if status in REFUSALS:
            challenge = answer.headers.get("www-authenticate", "")
            raise SignInNeeded(self.server, f"it refuses the credentials (HTTP {status})", challenge)
        if status == 404 and self.session_id is not None:  # whatever the words
            raise SessionLost(self.server, "it has ended the session")
        if said := await _error_in(answer):
            raise said
        if status == 404:
            raise MCPError(METHOD_NOT_FOUND, "Not Found")
        raise HttpFailure(self.server, status)


async def _error_in(answer: UpstreamAnswer) -> MCPError | None:
    """Return the JSON-RPC error that an answer holds, if it does."""
    if "json" not in answer.headers.get("content-type", ""):
        return None
    try:
        found = messages.decode(await answer.read_beginning(_LARGEST_ERROR))
    except (MCPError, UpstreamError):
        return None
    error = found[0].get("error") if found else None
    return messages.error_of(error) if isinstance(error, dict) and isinstance(error.get("code"), int) else None


def _redirect(url: str, answer: UpstreamAnswer) -> str | None:
    location = answer.headers.get("location")
    return urljoin(url, location) if location and 300 <= answer.status < 400 else None


def _same_origin(url: str, target: str) -> bool:
    try:
        one, other = urlsplit(url), urlsplit(target)
        return (one.scheme, one.netloc) == (other.scheme, other.netloc)
    except ValueError:
        return False
