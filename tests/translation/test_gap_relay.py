"""Streams of completions that no honest server sends."""

import json
from typing import Any

import pytest

from gateway.dialects import chat
from gateway.dialects.framing import EventReader
from gateway.dialects.relay import BROKEN, DONE, FAILED
from gateway.translation.completion.answers import Choices
from gateway.translation.completion.pieces import read_choices
from gateway.translation.completion.relay import GapRelay


def _relay(*ends: str) -> GapRelay:
    writer = Choices("ours", {}, chat=False)
    return GapRelay(EventReader(), read_choices, writer, ends, lambda events: b"FAILED", chat.UPSTREAM.as_stream)


def _chunk(text: Any = "", finish: Any = None, index: Any = 0, **more: Any) -> bytes:
    choice = {"index": index, "text": text, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


END = b"data: [DONE]\n\n"
STREAMS: list[tuple[list[bytes], int, str]] = [
    ([_chunk("a"), _chunk("b", "stop"), END], DONE, "ab"),
    ([_chunk("a"), _chunk("b", "stop")], DONE, "ab"),
    ([_chunk("a"), END], BROKEN, "a"),
    ([END], BROKEN, ""),
    ([], BROKEN, ""),
    ([_chunk("a", ""), _chunk("b", "null"), _chunk("", "length"), END], DONE, "ab"),
    ([_chunk("a", "stop"), _chunk("late"), END], DONE, "a"),
    ([_chunk(None), _chunk(["x"]), _chunk(5), _chunk("a", "stop"), END], DONE, "a"),
    ([b"data: no json\n\n", b"data: [1]\n\n", b": x\n\n", b"data: {}\n\n", _chunk("a", "stop"), END], DONE, "a"),
    ([b'data: {"choices":null}\n\n', _chunk("a", "stop"), END], DONE, "a"),
    ([b'data: {"choices":[{"text":"\\ud83d","finish_reason":"stop"}]}\n\n', END], DONE, "?"),
    ([_chunk("a", index=-1), _chunk("b", index=10**6), _chunk("c", "stop"), END], DONE, "c"),
    ([_chunk("a<|en"), _chunk("d", "stop"), END], DONE, "a<|end"),
    ([_chunk("a<|en"), _chunk("d|>b"), _chunk("c")], DONE, "a"),
    ([_chunk("a"), b'data: {"error":{"message":"no"}}\n\n', _chunk("b")], FAILED, "a"),
    ([_chunk("a"), b'event: error\ndata: {"x":1}\n\n'], FAILED, "a"),
    ([_chunk("a"), b'data: {"object":"error","message":"no"}\n\n'], FAILED, "a"),
]


@pytest.mark.parametrize(("events", "state", "text"), STREAMS)
@pytest.mark.parametrize("size", [1, 13, 10_000])
def test_streams(events: list[bytes], state: int, text: str, size: int) -> None:
    relay, data, sent = _relay("<|end|>"), b"".join(events), b""
    for at in range(0, len(data), size):
        step = relay.feed(data[at : at + size])
        sent += step.block + step.last
        if relay.state.over:
            break
    if not relay.state.over:
        step = relay.end()
        sent += step.block + step.last
    assert relay.state == state
    lines = [line[6:] for line in sent.decode().splitlines() if line.startswith("data: {")]
    assert "".join(choice["text"] for line in lines for choice in json.loads(line)["choices"]) == text
    assert sent.endswith(END) == (state is DONE)
    assert sent.endswith(b"FAILED") == (state is FAILED)


def test_several_completions_keep_their_numbers() -> None:
    relay = _relay()
    step = relay.feed(_chunk("a", index=1) + _chunk("b", index=0) + _chunk("", "stop", 1) + _chunk("c", "length", 0))
    last = relay.feed(END).last
    chunks = [json.loads(line[6:])["choices"][0] for line in step.block.decode().splitlines() if line]
    assert [(chunk["index"], chunk["text"]) for chunk in chunks] == [(1, "a"), (0, "b"), (0, "c")]
    finishes = [json.loads(line[6:])["choices"][0] for line in last.decode().splitlines() if line.startswith("data: {")]
    assert [(chunk["index"], chunk["finish_reason"]) for chunk in finishes] == [(0, "length"), (1, "stop")]
