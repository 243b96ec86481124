"""HTTP/1.1 as servers really speak it, byte by byte, over real sockets."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gateway.upstream.client import UpstreamClient
from gateway.upstream.connection import Connection
from gateway.upstream.pool import IDLE_SECONDS, MAX_AGE_SECONDS, Pool
from gateway.upstream.request import Timeouts, UpstreamRequest
from tests.fakes.wire import Caller, saying
from tests.upstream.conftest import Opened

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def call(
    address: str,
    *,
    stream: bool = False,
    body: bytes = b'{"a":1}',
    connect_timeout: float = 5,
    timeout: float = 600,
    idle_timeout: float = 300,
) -> UpstreamRequest:
    timeouts = Timeouts(connect_timeout, idle_timeout if stream else timeout, stream)
    return UpstreamRequest("POST", f"{address}/v1/chat/completions", {"x-told": "yes"}, body, timeouts)


async def ask(client: UpstreamClient, address: str, **more: Any) -> tuple[int, bytes]:
    async with await client.send(call(address, **more)) as answer:
        return answer.status, await answer.read_all()


def says(*pieces: bytes, pause: float = 0.0) -> Callable[[Caller], Any]:
    """Every request gets these bytes."""

    async def conversation(caller: Caller) -> None:
        while True:
            await caller.request()
            await caller.say(*pieces, pause=pause)

    return conversation


def closes(*pieces: bytes) -> Callable[[Caller], Any]:
    """The first request gets these bytes, then the connection ends."""

    async def conversation(caller: Caller) -> None:
        await caller.request()
        await caller.say(*pieces)

    return conversation


ANSWERS = {
    "length": says(OK + b"content-length: 5\r\n\r\nhello"),
    "crumbs": says(*(bytes([each]) for each in OK + b"Content-Length: 5\r\n\r\nhello"), pause=0.001),
    "chunked": says(CHUNKED, b"3;x=y\r\nhel\r\n", b"2\r\nlo\r\n0\r\ntrailer: 1\r\n\r\n"),
    "until close": closes(OK + b"content-type: text/plain\r\n\r\n", b"hel", b"lo"),
    "HTTP/1.0": closes(b"HTTP/1.0 200 OK\r\n\r\nhello"),
    "100 before": says(b"HTTP/1.1 100 Continue\r\nx: 1\r\n\r\n", OK + b"content-length: 5\r\n\r\nhello"),
    "103 before": says(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + b"content-length: 5\r\n\r\nhello"),
    "close": says(OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(name: str, opened: Opened) -> None:
    client = opened()
    async with saying(ANSWERS[name]) as address:
        for _ in range(3):
            assert await ask(client, address) == (200, b"hello")


FAULTS: dict[str, tuple[Callable[[Caller], Any], str]] = {
    "nothing": (closes(), "upstream_closed"),
    "half a head": (closes(OK + b"content-le"), "upstream_closed"),
    "half a body": (closes(OK + b"content-length: 50\r\n\r\nhello"), "upstream_closed"),
    "half a chunk": (closes(CHUNKED + b"5\r\nhe"), "upstream_closed"),
    "no last chunk": (closes(CHUNKED + b"5\r\nhello\r\n"), "upstream_closed"),
    "not HTTP": (closes(b"SSH-2.0-OpenSSH_9.2\r\n"), "upstream_invalid_answer"),
    "not a chunk": (closes(CHUNKED + b"zz\r\nhello\r\n"), "upstream_invalid_answer"),
    "upgrade": (closes(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), ""),
    "endless head": (closes(OK + b"x: " + b"y" * 400_000), "upstream_invalid_answer"),
    "compressed": (
        says(OK + b"content-encoding: gzip\r\ncontent-length: 25\r\n\r\n" + gzip.compress(b"hello", mtime=0)),
        "upstream_invalid_answer",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(name: str, opened: Opened) -> None:
    conversation, code = FAULTS[name]
    client = opened()
    async with saying(conversation) as address:
        with pytest.raises(UpstreamError) as failed:
            await asyncio.wait_for(ask(client, address), 20)
    assert not code or failed.value.code == code
    assert "127.0.0.1" not in failed.value.message


async def test_nobody_there(opened: Opened) -> None:
    with pytest.raises(UpstreamUnreachable, match="cannot be reached"):
        await ask(opened(), "http://127.0.0.1:9")


async def test_the_request(opened: Opened) -> None:
    seen: list[tuple[str, bytes]] = []

    async def conversation(caller: Caller) -> None:
        seen.append(await caller.request())
        await caller.say(OK + b"content-length: 0\r\n\r\n")

    async with saying(conversation) as address:
        await ask(opened(), address, stream=True)
    head, body = seen[0]
    lines = head.strip().split("\r\n")
    assert lines[0] == "POST /v1/chat/completions HTTP/1.1"
    assert dict(line.split(": ", 1) for line in lines[1:]) == {
        "host": address.removeprefix("http://"),
        "x-told": "yes",
        "content-length": "7",
    }
    assert body == b'{"a":1}'


async def test_connections_are_kept_and_the_closed_ones_replaced(opened: Opened) -> None:
    numbers: list[int] = []

    async def two_each(caller: Caller) -> None:
        for _ in range(2):
            await caller.request()
            numbers.append(caller.number)
            await caller.say(OK + b"content-length: 2\r\n\r\nok")

    client = opened()
    async with saying(two_each) as address:
        for _ in range(6):
            assert await ask(client, address) == (200, b"ok")
        assert numbers == [1, 1, 2, 2, 3, 3]


async def test_a_kept_connection_that_was_just_closed_is_no_fault(opened: Opened) -> None:
    """The server closes an idle connection in the moment in which it is used again."""
    numbers: list[int] = []

    async def closing(caller: Caller) -> None:
        await caller.request()
        numbers.append(caller.number)
        await caller.say(OK + b"content-length: 2\r\n\r\nok")
        if caller.number == 1:
            await caller.request()

    client = opened()
    async with saying(closing) as address:
        assert [await ask(client, address) for _ in range(2)] == [(200, b"ok")] * 2
    assert numbers == [1, 2]


async def test_a_new_connection_that_closes_is_one(opened: Opened) -> None:
    asked = 0

    async def conversation(caller: Caller) -> None:
        nonlocal asked
        await caller.request()
        asked += 1

    async with saying(conversation) as address:
        with pytest.raises(UpstreamUnreachable):
            await ask(opened(), address)
    assert asked == 1


async def test_what_was_not_read_is_not_kept(opened: Opened) -> None:
    numbers: list[int] = []

    async def conversation(caller: Caller) -> None:
        while True:
            await caller.request()
            numbers.append(caller.number)
            await caller.say(OK + b"content-length: 10\r\n\r\nhello")

    client = opened()
    async with saying(conversation) as address:
        for _ in range(2):
            answer = await client.send(call(address))
            assert await answer.read() == b"hello"
            answer.close()
    assert numbers == [1, 2]


async def test_bytes_that_nobody_asked_for_end_the_connection(opened: Opened) -> None:
    numbers: list[int] = []

    async def conversation(caller: Caller) -> None:
        while True:
            await caller.request()
            numbers.append(caller.number)
            await caller.say(OK + b"content-length: 2\r\n\r\nok", b"HTTP/1.1 500 Oh\r\n\r\n", pause=0.05)

    client = opened()
    async with saying(conversation) as address:
        for _ in range(2):
            assert await ask(client, address) == (200, b"ok")
            await asyncio.sleep(0.2)
    assert numbers == [1, 2]


async def test_a_whole_answer_has_a_limit_in_all(opened: Opened) -> None:
    async with saying(says(OK + b"content-length: 100\r\n\r\n", *[b"x"] * 100, pause=0.05)) as address:
        with pytest.raises(UpstreamTimeout):
            await ask(opened(), address, timeout=0.6)


async def test_a_stream_has_a_limit_of_silence(opened: Opened) -> None:
    chunks = [b"1\r\nx\r\n"] * 20
    async with saying(says(CHUNKED, *chunks, b"0\r\n\r\n", pause=0.1)) as address:
        patient = await ask(opened(), address, stream=True, idle_timeout=1)
        assert patient == (200, b"x" * 20)
    async with saying(says(CHUNKED, b"1\r\nx\r\n", pause=3)) as address:
        answer = await opened().send(call(address, stream=True, idle_timeout=0.3))
        with pytest.raises(UpstreamTimeout):
            await answer.read_all()


async def test_a_reader_that_is_slow_slows_the_server(opened: Opened) -> None:
    sent = 0

    async def conversation(caller: Caller) -> None:
        nonlocal sent
        await caller.request()
        await caller.say(OK + b"content-length: 104857600\r\n\r\n")
        for _ in range(100):
            await caller.say(b"x" * 1048576)
            sent += 1

    async with saying(conversation) as address:
        answer = await opened().send(call(address))
        await asyncio.sleep(1)
        assert sent < 50, "the sockets hold some, we hold one or two"
        assert len(await answer.read_all()) == 104857600


async def test_a_call_that_is_cancelled_closes_its_connection(opened: Opened) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def conversation(caller: Caller) -> None:
        await caller.request()
        asked.set()
        await caller.reader.read()
        closed.set()

    async with saying(conversation) as address:
        asking = asyncio.create_task(ask(opened(), address))
        await asyncio.wait_for(asked.wait(), 10)
        asking.cancel()
        await asyncio.wait_for(closed.wait(), 10)


async def test_the_rest_of_a_response_is_awaited_without_its_reader(opened: Opened) -> None:
    """The last chunk comes a moment after the content: nobody waits, and the connection is used again."""
    numbers: list[int] = []

    async def conversation(caller: Caller) -> None:
        while True:
            await caller.request()
            numbers.append(caller.number)
            await caller.say(CHUNKED + b"5\r\nhello\r\n", b"0\r\n\r\n", pause=0.05)

    client = opened()
    async with saying(conversation) as address:
        for _ in range(3):
            answer = await client.send(call(address, stream=True))
            assert await answer.read() == b"hello"
            answer.finish()
            answer.finish()
            await asyncio.sleep(0.15)
    assert numbers == [1, 1, 1]


@pytest.mark.parametrize("rest", [b"", b"5\r\nhello\r\n" * 20_000, b"zz\r\n"], ids=["silence", "more", "not a chunk"])
async def test_a_response_that_does_not_end_is_closed(opened: Opened, rest: bytes) -> None:
    closed = asyncio.Event()

    async def conversation(caller: Caller) -> None:
        await caller.request()
        await caller.say(CHUNKED + b"5\r\nhello\r\n", rest, pause=0.05)
        await caller.reader.read()
        closed.set()

    async with saying(conversation) as address:
        answer = await opened().send(call(address, stream=True))
        assert await answer.read()
        answer.finish()
        await asyncio.wait_for(closed.wait(), 10)


async def test_a_response_that_ended_is_finished_at_once(opened: Opened) -> None:
    client = opened()
    async with saying(says(OK + b"content-length: 5\r\n\r\nhello")) as address:
        answer = await client.send(call(address))
        assert await answer.read_all() == b"hello"
        answer.finish()
        assert await ask(client, address) == (200, b"hello")


async def test_a_second_response_is_nobodys(opened: Opened) -> None:
    numbers: list[int] = []

    async def conversation(caller: Caller) -> None:
        while True:
            await caller.request()
            numbers.append(caller.number)
            await caller.say((OK + b"content-length: 5\r\n\r\nhello") + (OK + b"content-length: 4\r\nx: 1\r\n\r\nevil"))

    client = opened()
    async with saying(conversation) as address:
        for _ in range(2):
            assert await ask(client, address) == (200, b"hello")
    assert numbers == [1, 2], "and its connection is not used again"


@pytest.mark.parametrize("encoding", [b"identity", b"Identity", b" IDENTITY ", b""])
async def test_no_compression_by_any_name(opened: Opened, encoding: bytes) -> None:
    head = OK + b"content-encoding:%s\r\ncontent-length: 5\r\n\r\n" % encoding
    async with saying(says(head + b"hello")) as address:
        assert await ask(opened(), address) == (200, b"hello")


async def test_the_beginning_of_a_body(opened: Opened) -> None:
    async with saying(closes(OK + b"content-length: 300000\r\n\r\n" + b"x" * 200_000)) as address:
        answer = await opened().send(call(address))
        assert await answer.read_beginning(1000) == b"x" * 1000
        answer.close()


async def test_connections_are_not_kept_for_ever() -> None:
    """The loop's clock moves; nobody waits half a minute."""
    loop, pool = asyncio.get_running_loop(), Pool()
    async with saying(says(OK)) as address:
        host, port = address.removeprefix("http://").split(":")

        async def made(idle: float = 0, age: float = 0) -> Connection:
            _, connection = await loop.create_connection(Connection, host, int(port))
            connection.idle_since = loop.time() - idle
            connection.made_at = loop.time() - age
            return connection

        for idle, age in ((IDLE_SECONDS, 0), (0, MAX_AGE_SECONDS)):
            old = await made(idle, age)
            pool.put(old)
            assert (len(pool), old.alive) == (0, False)
        fresh = await made(age=MAX_AGE_SECONDS - 5)
        pool.put(fresh)
        assert pool.take() is fresh
        pool.put(fresh)
        fresh.made_at -= 10
        assert pool.take() is None, "it has grown too old meanwhile"
        assert not fresh.alive
        waiting = await made()
        pool.close()
        pool.put(waiting)
        assert not waiting.alive, "a closed pool keeps nothing"


async def test_an_answer_that_nobody_read_leaves_nothing_to_the_next_request(opened: Opened) -> None:
    """Its last bytes made the server wait; the connection, which is kept, must read again."""
    size = 1024 * 1024 + 100

    async def conversation(caller: Caller) -> None:
        await caller.request()
        await caller.say(OK + b"content-length: %d\r\n\r\n" % size, b"x" * size)
        await caller.request()
        await caller.say(OK + b"content-length: 5\r\n\r\nclean")

    client = opened()
    async with saying(conversation) as address:
        answer = await client.send(call(address))
        arrived = asyncio.Event()
        answer.at_end(arrived.set)
        await arrived.wait()
        answer.close()
        assert await asyncio.wait_for(ask(client, address), 10) == (200, b"clean")
