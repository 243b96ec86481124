"""Opening a connection to a destination."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohappyeyeballs import start_connection

from gateway.upstream.connection import Connection
from gateway.upstream.destination import Destination, Proxy

_LARGEST_HEAD_BYTES = 16 * 1024
_NEXT_ADDRESS_SECONDS = 0.25
"""Delay before the next address of a host is tried beside the ones that have not answered yet (RFC 8305)."""

P = TypeVar("P", bound=asyncio.Protocol)


async def connect(destination: Destination, trusted: ssl.SSLContext | None) -> Connection:
    """Return a new connection. `trusted` is needed for TLS. Raises `OSError`."""
    if destination.tls and destination.proxy:
        assert trusted is not None
        return await tunnel(destination.host, destination.port, destination.proxy, trusted, destination.host)
    first = destination.proxy or destination
    tls = {"ssl": trusted, "server_hostname": destination.host} if destination.tls else {}
    return (await _connect_host(Connection, first.host, first.port, **tls))[1]


async def _connect_host(protocol: Callable[[], P], host: str, port: int, **tls: Any) -> tuple[asyncio.Transport, P]:
    """Connect to whichever address of a host answers first. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    return await connect_first(protocol, await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), **tls)


async def connect_first(protocol: Callable[[], P], addresses: Sequence[Any], **tls: Any) -> tuple[asyncio.Transport, P]:
    """Connect to the first of `addresses`, as `getaddrinfo` gives them, that answers. Raises `OSError`."""
    connected = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1)
    try:
        return await asyncio.get_running_loop().create_connection(protocol, sock=connected, **tls)
    except BaseException:
        connected.close()
        raise


async def tunnel(host: str, port: int, proxy: Proxy, trusted: ssl.SSLContext | None, name: str) -> Connection:
    """Return a new connection through a proxy; with TLS, for a server of that name, where `trusted` is given.

    Raises `OSError`.
    """
    loop = asyncio.get_running_loop()
    transport, opening = await _connect_host(_Tunnel, proxy.host, proxy.port)
    try:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        transport.write(f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{proxy.header}\r\n".encode("latin-1"))
        await opening.opened
        connection = Connection()
        if trusted is None:
            transport.set_protocol(connection)
            connection.connection_made(transport)
            return connection
        secured = await loop.start_tls(transport, connection, trusted, server_hostname=name)
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise ConnectionError("the connection closed while TLS began")
    connection.connection_made(secured)
    return connection


class _Tunnel(asyncio.Protocol):
    """What a proxy says to CONNECT."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.opened.done() or (b"\r\n\r\n" not in self._head and len(self._head) < _LARGEST_HEAD_BYTES):
            return
        status = self._head.split(b"\r\n", 1)[0].split(b" ", 2)[1:2]
        if status and status[0].startswith(b"2"):
            self.opened.set_result(None)
        else:
            answer = (b" ".join(status) or b"nothing").decode("latin-1")
            self.opened.set_exception(ConnectionError(f"the outbound proxy answered {answer} to CONNECT"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the outbound proxy closed the connection"))
