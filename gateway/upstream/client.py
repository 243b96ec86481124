"""Sends requests: over a kept connection where there is one, else over a new one."""

import asyncio
import errno
import ssl
from functools import cached_property, lru_cache
from pathlib import Path

from gateway.errors import UpstreamUnreachable
from gateway.tls import http_context
from gateway.upstream.answer import UpstreamAnswer, broken
from gateway.upstream.connecting import connect
from gateway.upstream.connection import ClosedUnanswered, Connection
from gateway.upstream.destination import Destination, Proxy, destination_of, proxy_of, request_target
from gateway.upstream.pool import Pool
from gateway.upstream.request import UpstreamRequest

_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
_PLAIN = ("", "identity")
"""Values of `content-encoding` that mean no compression."""


class UpstreamClient:
    """One for a process. Every request brings its own timeouts."""

    def __init__(
        self, outbound_proxy: str | None = None, no_proxy: tuple[str, ...] = (), custom_ca: Path | None = None
    ) -> None:
        """Take the settings of the same names in `server:`. Raises `ConfigError` where one cannot be used."""
        self._proxy = proxy_of(outbound_proxy)
        self._no_proxy = no_proxy
        self._custom_ca = custom_ca
        self._pools: dict[Destination, Pool] = {}
        if custom_ca:
            self._trusted  # noqa: B018  # a bad file is told at start

    async def stop(self) -> None:
        """Close every idle connection, and every other one when its answer is read."""
        for pool in self._pools.values():
            pool.close()

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send a request and wait for the head of the answer.

        The caller closes the answer. Raises `UpstreamUnreachable`, `UpstreamTimeout`.
        """
        destination, head = _prepared(request.method, request.url, self._proxy, self._no_proxy)
        pool = self._pools.get(destination) or self._pools.setdefault(destination, Pool())
        try:
            connection = await self._sent(request, head, destination, pool)
        except UnicodeError as error:  # a host name with an empty or an endless part
            raise broken(OSError("not a host name")) from error
        except OSError as error:
            raise broken(error) from error
        answer = UpstreamAnswer(connection, pool)
        if answer.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
            answer.close()
            raise UpstreamUnreachable(
                "The model's server compresses its answers although it was asked not to.",
                code="upstream_invalid_answer",
            )
        return answer

    async def _sent(self, request: UpstreamRequest, head: str, destination: Destination, pool: Pool) -> Connection:
        """Return the connection on which an answer has begun. Raises `OSError`."""
        if kept := pool.take():
            try:
                return await _exchange(kept, head, request)
            except ClosedUnanswered:
                pass  # the server had closed it, or was just doing so: no fault of the request, which it never read
        async with asyncio.timeout(request.timeouts.connect):
            made = await self._connect(destination)
        return await _exchange(made, head, request)

    async def _connect(self, destination: Destination) -> Connection:
        """Open a connection; where the process may open no more files, idle ones give theirs up."""
        trusted = self._trusted if destination.tls else None
        try:
            return await connect(destination, trusted)
        except OSError as error:
            if error.errno not in _NO_MORE_FILES:
                raise
        for pool in self._pools.values():
            pool.clear()
        await asyncio.sleep(0)  # the event loop closes the files
        return await connect(destination, trusted)

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return http_context(self._custom_ca)


async def _exchange(connection: Connection, head: str, request: UpstreamRequest) -> Connection:
    """Send a request and wait for the head of its answer. Raises `OSError`."""
    body, timeouts = request.body, request.timeouts
    length = len(body) if isinstance(body, bytes) else body.length
    fields = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    encoded = f"{head}{fields}content-length: {length}\r\n\r\n".encode("latin-1")
    try:
        if isinstance(body, bytes):
            connection.send(encoded, body, timeouts.answer, total=not timeouts.streams)
        else:
            connection.send(encoded, b"", timeouts.answer, total=not timeouts.streams)
            await connection.send_pieces(body.pieces())
        await connection.head()
    except BaseException:
        connection.abort()
        raise
    return connection


@lru_cache(4096)
def _prepared(method: str, url: str, proxy: Proxy | None, no_proxy: tuple[str, ...]) -> tuple[Destination, str]:
    """Return where a URL's connections go, and the first lines of its requests."""
    destination = destination_of(url, proxy, no_proxy)
    target, host = request_target(url, destination)
    own = destination.proxy.header if destination.proxy and not destination.tls else ""
    return destination, f"{method} {target} HTTP/1.1\r\nhost: {host}\r\n{own}"
