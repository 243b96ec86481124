"""Hosts with several addresses: one that does not answer costs a moment, not the time to connect."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from gateway.upstream.connecting import connect_first
from gateway.upstream.connection import Connection
from tests.fakes.wire import saying
from tests.upstream.test_connection import OK, says


@pytest.fixture
def dead() -> Iterator[tuple[str, int]]:
    """An address of loopback whose queue of connections is full, so that it answers nobody."""
    callers = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
            callers.append(caller)
        yield listener.getsockname()
        for caller in callers:
            caller.close()


def _info(address: tuple[str, int]) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", address)


async def test_the_next_address_is_tried_soon(dead: tuple[str, int]) -> None:
    async with saying(says(OK)) as address:
        host, port = address.removeprefix("http://").split(":")
        began = time.monotonic()
        transport, connection = await connect_first(Connection, [_info(dead), _info((host, int(port)))])
        assert time.monotonic() - began < 3, "the time to connect is 5 s"
        assert transport.get_extra_info("peername")[0] == host
        connection.abort()


async def test_a_refused_address_is_passed_over() -> None:
    async with saying(says(OK)) as address:
        host, port = address.removeprefix("http://").split(":")
        _, connection = await connect_first(Connection, [_info(("127.0.0.3", int(port))), _info((host, int(port)))])
        connection.abort()


async def test_nobody_answers(dead: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="Errno 111"):
        await connect_first(Connection, [_info(("127.0.0.3", 9)), _info(("127.0.0.4", 9))])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await connect_first(Connection, [_info(dead)])
