"""HTTP with SSE, the transport of 2024-11-05, by the SDK."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType

import httpx2
from mcp.client.sse import sse_client

from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.transport import Streams
from gateway.upstream.client import UpstreamClient

_SILENCE_SECONDS = 24 * 3600.0


class SseTransport:
    """One connection over which a server sends events; what it is sent goes to the address that it names."""

    def __init__(
        self,
        server: str,
        url: str,
        client: UpstreamClient,
        headers: Callable[[], Awaitable[Mapping[str, str]]],
        connect: float,
    ) -> None:
        self._server = server
        self._client = client
        self._url = url
        self._headers = headers
        self._connect = connect
        self._stack = AsyncExitStack()
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Streams:
        headers = dict(await self._headers())
        client = sse_client(self._url, headers, self._connect, _SILENCE_SECONDS, httpx_client_factory=self._made)
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
        if status in (401, 403):
            challenge = error.response.headers.get("www-authenticate", "")
            return SignInNeeded(server, f"it refuses the credentials (HTTP {status})", challenge)
        return UpstreamDown(server, f"it answers with HTTP {status}")
    if isinstance(error, httpx2.HTTPError | OSError | ValueError):
        return UpstreamDown(server, "it cannot be reached")
    return error
