"""Opens calls: a kept connection where there is one, else a new one."""

import asyncio
import errno
import ssl
from collections.abc import Mapping
from functools import cached_property, lru_cache

import msgspec

from gateway.config.schema import Server
from gateway.errors import UpstreamUnreachable
from gateway.routing import Target
from gateway.tls import http_context
from gateway.upstream.answer import Answer, broken
from gateway.upstream.connection import Closed, Connection
from gateway.upstream.pool import Pool
from gateway.upstream.reach import reach
from gateway.upstream.way import Way, proxy_of, request_target, way_to

_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
_PLAIN = ("", "identity")
"""Values of `content-encoding` that mean no compression."""
_MEDIA = {True: "text/event-stream", False: "application/json"}


class Call(msgspec.Struct, frozen=True):
    """An upstream request, ready to be sent."""

    target: Target
    path: str
    """Below the deployment's base URL, with the query."""
    headers: Mapping[str, str]
    """The client's that its dialect forwards; ours come by themselves."""
    body: bytes
    stream: bool


class UpstreamClient:
    """One for a process. Every call brings its own timeouts."""

    def __init__(self, server: Server) -> None:
        """Raises `ConfigError` where the proxy or the authorities cannot be used."""
        self._server = server
        self._proxy = proxy_of(server.outbound_proxy)
        self._pools: dict[Way, Pool] = {}
        if server.custom_ca:
            self._trusted  # noqa: B018  # a bad file is told at start

    async def stop(self) -> None:
        for pool in self._pools.values():
            pool.close()

    async def open(self, call: Call) -> Answer:
        """Send a call and wait for the head of the answer.

        The caller closes the answer. Raises `UpstreamUnreachable`, `UpstreamTimeout`.
        """
        target = call.target
        way = self._way(target.base_url)
        pool = self._pools.get(way) or self._pools.setdefault(way, Pool())
        try:
            connection = await self._asked(call, way, pool)
        except UnicodeError as error:  # a host name with an empty or an endless part
            raise broken(OSError("not a host name"), target.id) from error
        except OSError as error:
            raise broken(error, target.id) from error
        answer = Answer(connection, pool, target.id)
        if answer.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
            answer.close()
            raise UpstreamUnreachable(
                f"Deployment '{target.id}' compresses its answers although it was asked not to.",
                code="upstream_invalid_answer",
            )
        return answer

    async def _asked(self, call: Call, way: Way, pool: Pool) -> Connection:
        """Raises `OSError`."""
        if kept := pool.take():
            try:
                return await self._exchange(kept, call, way)
            except Closed:
                if kept.heard:
                    raise
                # The server had closed it, or was just doing so: no fault of the request, which it never read.
        async with asyncio.timeout(call.target.deployment.connect_timeout):
            made = await self._reach(way)
        return await self._exchange(made, call, way)

    async def _reach(self, way: Way) -> Connection:
        """Open a connection; where the process may open no more files, idle ones give theirs up."""
        trusted = self._trusted if way.tls else None
        try:
            return await reach(way, trusted)
        except OSError as error:
            if error.errno not in _NO_MORE_FILES:
                raise
        for pool in self._pools.values():
            pool.clear()
        await asyncio.sleep(0)  # the event loop closes the files
        return await reach(way, trusted)

    async def _exchange(self, connection: Connection, call: Call, way: Way) -> Connection:
        deployment = call.target.deployment
        seconds = deployment.idle_timeout if call.stream else deployment.timeout
        try:
            connection.send(_head(call, way), call.body, seconds, total=not call.stream)
            await connection.head()
        except BaseException:
            connection.abort()
            raise
        return connection

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return http_context(self._server.custom_ca)

    def _way(self, base_url: str) -> Way:
        return _cached_way(base_url, self._proxy, self._server.no_proxy)


_cached_way = lru_cache(1024)(way_to)


def _head(call: Call, way: Way) -> bytes:
    target = call.target
    key = target.deployment.api_key
    own = f"{target.provider.auth_header}: {target.provider.auth_prefix}{key.reveal()}\r\n" if key else ""
    fixed = _fixed_head(target.base_url, call.path, way, own, call.stream)
    told = "".join([f"{name}: {value}\r\n" for name, value in call.headers.items()])
    return f"{fixed}{told}content-length: {len(call.body)}\r\n\r\n".encode("latin-1")


@lru_cache(1024)
def _fixed_head(base_url: str, path: str, way: Way, authorization: str, stream: bool) -> str:
    named, host = request_target(base_url, path, way)
    proxy = way.proxy.header if way.proxy and not way.tls else ""
    return (
        f"POST {named} HTTP/1.1\r\nhost: {host}\r\n{proxy}user-agent: sekisho\r\naccept-encoding: identity\r\n"
        f"content-type: application/json\r\naccept: {_MEDIA[stream]}\r\n{authorization}"
    )
