"""The parts of the transport that need no process."""

import asyncio
import json

import anyio
import pytest
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from gateway.mcp.stdio.inbox import Inbox
from gateway.mcp.stdio.lines import LineSplitter, LineTooLong
from gateway.mcp.stdio.messages import messages
from gateway.mcp.stdio.pace import Flood, Pace
from gateway.mcp.stdio.stderr import Tail

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_however_they_are_cut(size: int) -> None:
    stream = b"one\n\ntwo\r\n\xe9\x96\xa2\nlast"
    splitter = LineSplitter(10)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [bytes(line) for piece in pieces for line in splitter.feed(piece)] == [
        b"one",
        b"",
        b"two\r",
        b"\xe9\x96\xa2",
    ]


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"x" * 11 + b"\n"], [b"x" * 9, b"xx\nok\n"]])
def test_a_line_over_the_limit(pieces: list[bytes]) -> None:
    splitter = LineSplitter(10)
    with pytest.raises(LineTooLong):
        list(map(splitter.feed, pieces))


def test_a_line_of_the_limit() -> None:
    assert LineSplitter(10).feed(b"x" * 10 + b"\n") == [b"x" * 10]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"jsonrpc":"2.0","id":1,"method":"ping"}', JSONRPCRequest),
        ('{"id":"a","method":"ping","params":null}', JSONRPCRequest),
        ('{"jsonrpc":"2.0","method":"notifications/x","params":{}}', JSONRPCNotification),
        ('{"jsonrpc":"2.0","id":null,"method":"notifications/x"}', JSONRPCNotification),
        ('{"jsonrpc":"2.0","id":true,"method":"notifications/x","params":[]}', JSONRPCNotification),
        ('{"jsonrpc":"2.0","id":1,"result":{},"error":null}', JSONRPCResponse),
        ('{"jsonrpc":"2.0","id":1,"result":null}', JSONRPCError),
        ('{"jsonrpc":"2.0","id":1,"result":{"x":%s}}' % ("9" * 400), JSONRPCResponse),
        ('{"jsonrpc":"2.0","id":null,"error":{"code":"x","message":5}}', JSONRPCError),
        ('{"jsonrpc":"2.0","id":1,"error":[1]}', JSONRPCError),
        ('\ufeff{"jsonrpc":"2.0","id":1,"result":{}}', JSONRPCResponse),
    ],
)
def test_messages(line: str, kind: type) -> None:
    (message,) = messages(line.encode())
    assert type(message) is kind
    assert message.model_dump_json(by_alias=True, exclude_unset=True)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"text",
        b"5",
        b"null",
        b"{}",
        b'{"id":1}',
        b'{"id":1.5,"result":{}}',
        b'{"id":[1],"result":{}}',
        b'{"method":5}',
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"[" + b"{}," * 400_000 + b"{}]",
        b'[1, null, "x", []]',
    ],
)
def test_lines_that_are_no_messages(line: bytes) -> None:
    assert list(messages(line)) == []


def test_the_tail_of_stderr() -> None:
    tail = Tail(100)
    for number in range(100):
        tail.write(b"line %d\n" % number)
    assert tail.text([]).splitlines() == [f"line {number}" for number in range(92, 100)]


@pytest.mark.parametrize("secret", ["hunter2", "a-long-secret-value-of-a-server", "秘密の合言葉"])
def test_a_secret_in_stderr(secret: str) -> None:
    for before in range(60):
        tail = Tail(64)
        tail.write(b"x" * before + secret.encode() + b" y" * 20)
        assert not any(secret[start:] in tail.text([secret]) for start in range(len(secret) - 3)), before


def test_stderr_without_what_a_terminal_would_do() -> None:
    tail = Tail(1000)
    tail.write("\x1b[31mred\x1b[0m \x07bell \u202eturned\u200b\r\n日本語\n".encode())
    assert tail.text([]) == "red bell turned\n日本語"


def test_a_flood() -> None:
    now = 0.0
    pace = Pace(lambda: now, rate=10, burst=5, patience=20)
    assert [pace.admits() for _ in range(7)] == [True] * 5 + [False] * 2
    now = 0.1
    assert [pace.admits(), pace.admits()] == [True, False]
    now = 10
    assert all(pace.admits() for _ in range(5))
    assert [pace.admits() for _ in range(20)] == [False] * 20
    with pytest.raises(Flood):
        pace.admits()
    assert pace.dropped == 24


def note(number: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": "n", "params": {"number": number}}).encode()


def inbox(limit: int = 1000) -> tuple[Inbox, list[bool], list[str]]:
    full: list[bool] = []
    flooded: list[str] = []
    made = Inbox(limit, Pace(lambda: 0.0, burst=100, patience=10), full.append, lambda: flooded.append("x"))
    return made, full, flooded


async def test_a_full_inbox_makes_the_server_wait() -> None:
    made, full, _ = inbox()
    made.put([note(number) for number in range(5)])
    assert full == []
    made.put([note(number) for number in range(5, 10)])
    assert full == [True]
    await made.receive()
    assert full == [True]
    for _ in range(6):
        await made.receive()
    assert full == [True, False]


async def test_what_waits_comes_before_the_end() -> None:
    made, _, _ = inbox()
    made.put([note(1), b"noise", note(2)])
    made.end()
    made.put([note(3)])
    assert len([each async for each in made]) == 2
    assert made.noise == 1
    with pytest.raises(anyio.EndOfStream):
        await made.receive()


async def test_only_answers_that_a_request_waits_for() -> None:
    made, _, _ = inbox()
    for request_id in (1, "a", 2):
        made.expect(request_id)
    made.forget(2)
    made.put(json.dumps({"id": each, "result": {}}).encode() for each in (1, 1, "a", 2, 9))
    made.end()
    assert [each.message.id async for each in made] == [1, "a"]  # type: ignore[union-attr]
    assert made.unexpected == 3


async def test_others_get_their_turn() -> None:
    made, _, _ = inbox(10**9)
    made.put([b"noise"] * 100)
    made.end()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(other())
    assert [each async for each in made] == []
    beside.cancel()
    assert turns > 4


async def test_a_reader_that_waits() -> None:
    made, _, _ = inbox()
    reading = asyncio.ensure_future(made.receive())
    await asyncio.sleep(0)
    made.put([note(5)])
    assert (await reading).message.params == {"number": 5}  # type: ignore[union-attr]
