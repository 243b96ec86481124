"""HTTP with SSE, the transport of 2024-11-05, by the SDK."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from types import TracebackType

import httpx2
from mcp.client.sse import sse_client

from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.transport import Streams
from gateway.mcp.upstream.http_sender import MOST_TRIES, REFUSALS, Authorize, Refused
from gateway.upstream.client import UpstreamClient

_SILENCE_SECONDS = 24 * 3600.0


class Authorization(httpx2.Auth):
    """Puts the credentials into each request anew, and others where the server refuses them and there are others."""

    def __init__(self, authorize: Authorize, refused: Refused) -> None:
        self._authorize = authorize
        self._refused = refused

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        for _ in range(MOST_TRIES):
            credentials = await self._authorize()
            request.headers.update(credentials)
            answer = yield request
            challenge = answer.headers.get("www-authenticate", "")
            if answer.status_code not in REFUSALS:
                return
            if not await self._refused(credentials, answer.status_code, challenge):
                return


class SseTransport:
    """One connection over which a server sends events; what it is sent goes to the address that it names."""

    def __init__(
        self,
        server: str,
        url: str,
        client: UpstreamClient,
        authorization: Authorization,
        connect: float,
    ) -> None:
        self._server = server
        self._client = client
        self._url = url
        self._authorization = authorization
        self._connect = connect
        self._stack = AsyncExitStack()
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Streams:
        client = sse_client(
            self._url,
            None,
            self._connect,
            _SILENCE_SECONDS,
            httpx_client_factory=self._made,
            auth=self._authorization,
        )
        try:
            return await self._stack.enter_async_context(client)
        except BaseException as error:
            raise _told(self._server, error) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        await self._stack.__aexit__(None, None, None)

    def _made(
        self,
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        """Return a client that connects as the gateway does: through its proxy, trusting its authorities."""
        proxy, trusted = self._client.way_to(self._url)
        verify = trusted if trusted is not None else False  # without TLS there is nothing to verify
        return httpx2.AsyncClient(
            headers=headers, timeout=timeout, auth=auth, trust_env=False, proxy=proxy, verify=verify
        )

    def last_words(self) -> str:
        return ""


def _told(server: str, error: BaseException) -> BaseException:
    """Return a failure to connect as ours, out of the groups in which the SDK wraps it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, httpx2.HTTPStatusError):
        status = error.response.status_code
        if status in REFUSALS:
            challenge = error.response.headers.get("www-authenticate", "")
            return SignInNeeded(server, f"it refuses the credentials (HTTP {status})", challenge)
        return UpstreamDown(server, f"it answers with HTTP {status}")
    if isinstance(error, httpx2.HTTPError | OSError | ValueError):
        return UpstreamDown(server, "it cannot be reached")
    return error
