"""Answers whose length can be understood in two ways: nobody may get what was meant for another."""

import asyncio
from typing import Any

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.upstream.request import StreamedBody
from tests.fakes.wire import Caller, saying
from tests.upstream.conftest import Opened
from tests.upstream.test_connection import CHUNKED, OK, ask, call

CLEAN = OK + b"content-length: 5\r\n\r\nclean"
STOLEN = OK + b"content-length: 6\r\n\r\nstolen"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
FIVE = b"content-length: 5\r\n\r\nhello"

POISON = {
    "two responses at once": OK + FIVE + STOLEN,
    "more than its length": OK + FIVE + b"GARBAGE",
    "a length and chunks": OK + b"transfer-encoding: chunked\r\n" + FIVE + STOLEN,
    "chunks and a length": OK
    + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    + STOLEN,
    "two lengths": OK + b"content-length: 4\r\n" + FIVE + STOLEN,
    "two lengths in one": OK + b"content-length: 5, 4\r\n\r\nhello" + STOLEN,
    "a length with a sign": OK + b"content-length: +5\r\n\r\nhello" + STOLEN,
    "a negative length": OK + b"content-length: -5\r\n\r\nhello" + STOLEN,
    "a length in hexadecimal": OK + b"content-length: 0x5\r\n\r\nhello" + STOLEN,
    "a length out of range": OK + b"content-length: 18446744073709551621\r\n\r\nhello" + STOLEN,
    "an unknown coding": OK + b"transfer-encoding: xchunked\r\n\r\nhello",
    "chunked is not the last coding": OK
    + b"transfer-encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    + STOLEN,
    "two codings": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a chunk with a sign": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a negative chunk": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a chunk in hexadecimal notation": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a chunk out of range": CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a chunk that is longer than told": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a chunk without its end": CHUNKED + b"5\r\nhello0\r\n\r\n" + STOLEN,
    "a response after the last chunk": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + STOLEN,
    "a space before the colon": OK + b"content-length : 5\r\n\r\nhello" + STOLEN,
    "a name with a space": OK + b"content length: 5\r\n" + FIVE + STOLEN,
    "no colon": OK + b"content-length\r\n\r\nhello",
    "a NUL in a value": OK + b"x: a\0b\r\n" + FIVE + STOLEN,
    "a bare CR": OK + b"x: a\rcontent-length: 1\r\n" + FIVE + STOLEN,
    "a body where none may be": b"HTTP/1.1 204 No Content\r\n" + FIVE + STOLEN,
    "a body that did not change": b"HTTP/1.1 304 Not Modified\r\n" + FIVE + STOLEN,
    "close and more": OK + b"connection: close\r\n" + FIVE + STOLEN,
    "close and keep-alive": OK + b"connection: keep-alive, close\r\n" + FIVE + STOLEN,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + FIVE + STOLEN,
    "another protocol": b"RTSP/1.0 200 OK\r\n" + FIVE,
    "a status that is none": b"HTTP/1.1 0 OK\r\n" + FIVE,
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + FIVE,
    "endless interim answers": b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" * 20_000,
}


@pytest.mark.parametrize("name", POISON)
async def test_the_next_request_gets_its_own_answer(name: str, opened: Opened) -> None:
    async def conversation(caller: Caller) -> None:
        await caller.request()
        await caller.say(POISON[name] if caller.number == 1 else CLEAN)
        await caller.request()
        await caller.say(CLEAN if caller.number > 1 else STOLEN)

    client = opened()
    async with saying(conversation) as address:
        first = await _outcome(ask(client, address))
        assert first in ("refused", b"hello", b"", b"hell", b"hello" + STOLEN), first
        assert await asyncio.wait_for(ask(client, address), 10) == (200, b"clean")


@pytest.mark.parametrize("late", [STOLEN, b"\r\n", b"x", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 408 T\r\n\r\n"])
async def test_what_comes_while_nothing_is_asked_ends_the_connection(late: bytes, opened: Opened) -> None:
    """Servers say that they give up waiting, too."""

    async def conversation(caller: Caller) -> None:
        await caller.request()
        await caller.say(CLEAN)
        if caller.number == 1:
            await asyncio.sleep(0.02)
            await caller.say(late)
        await caller.request()
        await caller.say(STOLEN if caller.number == 1 else CLEAN)

    client = opened()
    async with saying(conversation) as address:
        assert await ask(client, address) == (200, b"clean")
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(ask(client, address), 10) == (200, b"clean")


async def test_an_answer_before_the_whole_upload_ends_it(opened: Opened) -> None:
    """The connection cannot be kept: the server would take the rest of the upload for a request."""

    async def conversation(caller: Caller) -> None:
        if caller.number == 1:
            await caller.reader.readuntil(b"\r\n\r\n")
            await caller.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
            await asyncio.sleep(1)
        else:
            await caller.request()
            await caller.say(CLEAN)

    pieces_sent = 0

    async def pieces() -> Any:
        nonlocal pieces_sent
        for _ in range(1000):
            pieces_sent += 1
            yield b"x" * 65_536
            await asyncio.sleep(0.001)

    client = opened()
    async with saying(conversation) as address:
        request = call(address)
        request.body = StreamedBody(65_536_000, pieces)
        async with await client.send(request) as answer:
            assert (answer.status, await answer.read_all()) == (413, b"large")
        assert pieces_sent < 1000
        assert await ask(client, address) == (200, b"clean")


@pytest.mark.parametrize("closes", [True, False])
async def test_an_answer_ends_an_upload_that_the_server_does_not_take(closes: bool, opened: Opened) -> None:
    """Its answer is whole before ours can go on: nothing further arrives that could wake the sender."""
    done = asyncio.Event()

    async def conversation(caller: Caller) -> None:
        await caller.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        await caller.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")
        if not closes:
            await done.wait()

    async def pieces() -> Any:
        for _ in range(1000):
            yield b"x" * 65_536

    async with saying(conversation) as address:
        request = call(address)
        request.body = StreamedBody(65_536_000, pieces)
        answer = await asyncio.wait_for(opened().send(request), 10)
        assert (answer.status, await answer.read_all()) == (413, b"large")
        answer.close()
        done.set()


async def test_a_server_that_stops_taking_an_upload_is_given_up(opened: Opened) -> None:
    done = asyncio.Event()

    async def conversation(caller: Caller) -> None:
        await caller.reader.readuntil(b"\r\n\r\n")
        await done.wait()

    async def pieces() -> Any:
        for _ in range(1000):
            yield b"x" * 65_536

    async with saying(conversation) as address:
        request = call(address, timeout=0.3)
        request.body = StreamedBody(65_536_000, pieces)
        with pytest.raises(UpstreamTimeout):
            await asyncio.wait_for(opened().send(request), 10)
        done.set()


async def _outcome(asked: Any) -> object:
    try:
        _, body = await asyncio.wait_for(asked, 20)
    except UpstreamError:
        return "refused"
    return body
