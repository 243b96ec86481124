"""The relay as a pure function: however the bytes arrive, the same events leave."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat_stream import ChatRelay
from gateway.dialects.framing import fields_of
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, OPENED, WAITING
from tests.fakes.upstream import USAGE, WORDS, chunk, event

USAGE_EVENT = event({**chunk("theirs", {}), "choices": [], "usage": USAGE})
STREAM = [event(chunk("theirs", {"content": word})) for word in WORDS] + [event(chunk("theirs", {}, "stop"))]
WHOLE = b": comment\n\n" + b"".join([*STREAM, USAGE_EVENT, b"data: [DONE]\n\n"])


def _through(pieces: list[bytes], *, hide_usage: bool) -> tuple[bytes, ChatRelay]:
    relay = ChatRelay("ours", hide_usage=hide_usage)
    sent = b""
    for piece in pieces:
        step = relay.feed(piece)
        sent += step.block + step.last
        if relay.state > FINISHED:
            return sent, relay
    step = relay.end()
    return sent + step.block + step.last, relay


def _pieces(cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(WHOLE)]
    return [WHOLE[start:end] for start, end in pairwise(edges) if end > start]


@given(st.lists(st.integers(1, len(WHOLE) - 1), unique=True, max_size=40), st.booleans())
def test_cuts_change_nothing(cuts: list[int], hide_usage: bool) -> None:
    whole, _ = _through([WHOLE], hide_usage=hide_usage)
    sent, relay = _through(_pieces(cuts), hide_usage=hide_usage)
    assert _payloads(sent) == _payloads(whole)
    assert relay.state is DONE
    assert relay.usage
    assert relay.usage.input == USAGE["prompt_tokens"]


def test_only_the_model_and_the_unwanted_usage_differ() -> None:
    sent, _ = _through([WHOLE], hide_usage=True)
    expected = WHOLE.replace(b'"model":"theirs"', b'"model":"ours"').replace(b',"usage":null', b"")
    expected = expected.replace(USAGE_EVENT.replace(b"theirs", b"ours"), b"")
    assert _payloads(sent) == _payloads(expected)
    assert b'"usage"' not in sent
    kept, _ = _through([WHOLE], hide_usage=False)
    assert kept == WHOLE.replace(b'"model":"theirs"', b'"model":"ours"')


def test_text_that_looks_like_our_marks_is_left_alone() -> None:
    text = '"model":"theirs" "usage":{"prompt_tokens":9} "finish_reason":"stop" data: [DONE]'
    sent, relay = _through([event(chunk("theirs", {"content": text}))], hide_usage=True)
    (payload,) = _payloads(sent)
    assert payload["choices"][0]["delta"]["content"] == text
    assert (relay.state, relay.usage) == (BROKEN, None)


def _payloads(stream: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


BASE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "theirs"}


def _chunk(**more: Any) -> dict[str, Any]:
    return {**BASE, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}], **more}


def _finish(reason: Any, index: int = 0) -> dict[str, Any]:
    return _chunk(choices=[{"index": index, "delta": {}, "finish_reason": reason}])


def _compact(content: Any) -> bytes:
    return b"data: " + json.dumps(content, separators=(",", ":")).encode() + b"\n\n"


def _spaced(content: Any) -> bytes:
    return b"data:" + json.dumps(content, indent=1).replace("\n", " ").encode() + b"\n\n"


def _escaped(content: Any) -> bytes:
    """Member names may be written with escapes."""
    text = json.dumps(content, separators=(",", ":"))
    for name in ("finish_reason", "model", "usage", "error", "choices"):
        text = text.replace(f'"{name}"', '"' + "".join(f"\\u{ord(each):04x}" for each in name) + '"')
    return b"data: " + text.encode() + b"\n\n"


def _lines(content: Any) -> bytes:
    """Data may stand in several lines."""
    text = json.dumps(content, indent=2)
    return b"".join(b"data: " + line.encode() + b"\n" for line in text.split("\n")) + b"\n"


WRITTEN = pytest.mark.parametrize("write", [_compact, _spaced, _escaped, _lines])
Write = Callable[[Any], bytes]


UNFINISHED: list[Any] = [None, "", "null", " ", 0, False, {}, []]
ENDS = [(reason, True) for reason in ("stop", "length", "tool_calls", "x")]
ENDS += [(reason, False) for reason in UNFINISHED]


@WRITTEN
@pytest.mark.parametrize(
    ("reason", "finished"),
    ENDS,
)
def test_what_ends_an_answer(write: Write, reason: Any, finished: bool) -> None:
    _, relay = _through([write(_chunk()), write(_finish(reason))], hide_usage=False)
    assert relay.state is (DONE if finished else BROKEN)


def test_an_answer_with_several_choices_ends_with_the_last_of_them() -> None:
    both = _chunk(choices=[{"index": at, "delta": {"content": "x"}, "finish_reason": None} for at in (0, 1)])
    _, relay = _through([_compact(both), _compact(_finish("stop"))], hide_usage=False)
    assert relay.state is BROKEN
    _, relay = _through([_compact(each) for each in (both, _finish("stop"), _finish("stop", 1))], hide_usage=False)
    assert relay.state is DONE
    _, relay = _through([_compact(each) for each in (_chunk(), _finish("stop"), _finish(None))], hide_usage=False)
    assert relay.state is DONE, "what follows the end of a choice does not begin it again"


@WRITTEN
@pytest.mark.parametrize("choices", [[], None, "absent"])
@pytest.mark.parametrize("counts", [USAGE, {"prompt_tokens": None}, {"x": 1}])
def test_a_usage_chunk_reaches_only_who_asked_for_it(write: Write, choices: Any, counts: Any) -> None:
    told = {**BASE, "choices": choices, "usage": counts}
    if choices == "absent":
        del told["choices"]
    stream = [write(_chunk()), write(_finish("stop")), write(told), b"data: [DONE]\n\n"]
    hidden, relay = _through(stream, hide_usage=True)
    assert len(_payloads(_joined(hidden))) == 2
    assert relay.state is DONE
    shown, _ = _through(stream, hide_usage=False)
    *_, last = _payloads(_joined(shown))
    assert (last["choices"], last["usage"]) == ([], counts)
    if counts is USAGE:
        assert relay.usage
        assert relay.usage.output == USAGE["completion_tokens"]


@WRITTEN
def test_the_usage_of_every_chunk_is_hidden(write: Write) -> None:
    stream = [write(_chunk(usage=USAGE)), write(_chunk(usage=None)), write(_chunk(usage=None, choices=None))]
    sent, relay = _through(stream, hide_usage=True)
    assert [("usage" in each, isinstance(each["choices"], list)) for each in _payloads(_joined(sent))] == [
        (False, True)
    ] * 3
    assert relay.usage


@WRITTEN
def test_the_name_is_ours_in_every_event(write: Write) -> None:
    names = ["theirs", "theirs", "other", "theirs", "ours", "ou\u00e9s", '"model":"theirs"']
    nested = _chunk(model="theirs", choices=[{"delta": {"content": "x", "model": "theirs"}}], x={"model": "theirs"})
    sent, _ = _through([write(_chunk(model=name)) for name in names] + [write(nested)], hide_usage=False)
    payloads = _payloads(_joined(sent))
    assert [each["model"] for each in payloads] == ["ours"] * 8
    assert payloads[-1]["x"] == {"model": "theirs"}
    assert payloads[-1]["choices"][0]["delta"]["model"] == "theirs"


@pytest.mark.parametrize("name", ["", None, "absent"])
def test_a_name_that_is_not_there_is_left_alone(name: Any) -> None:
    first = _chunk(model=name)
    if name == "absent":
        del first["model"]
    sent, _ = _through([_compact(_chunk()), _compact(first), _compact(_chunk())], hide_usage=False)
    assert _payloads(sent)[1] == first


@WRITTEN
@pytest.mark.parametrize(
    "fault",
    [{"error": {"message": "no"}}, {"error": "no"}, {"object": "error", "message": "no"}, {**BASE, "error": ["no"]}],
)
def test_an_error_is_the_last_event(write: Write, fault: Any) -> None:
    sent, relay = _through([write(_chunk()), write(fault), b"data: [DONE]\n\n"], hide_usage=True)
    assert relay.state is FAILED
    assert relay.error
    assert b"[DONE]" not in sent
    assert "no" in json.dumps(_payloads(_joined(sent))[-1])


def test_an_event_of_this_name_is_one() -> None:
    _, relay = _through([b"event: error\ndata: out of memory\n\n"], hide_usage=True)
    assert relay.error == b"out of memory"


@pytest.mark.parametrize("nothing", [None, "", {}, [], False])
def test_an_error_that_says_nothing_is_none(nothing: Any) -> None:
    _, relay = _through([_compact(_chunk(error=nothing)), _compact(_finish("stop"))], hide_usage=True)
    assert (relay.error, relay.state) == (None, DONE)


ODD = [
    b'{"model":"theirs","choices":[{"index":0,"delta":{"content":"\\ud83d"},"finish_reason":null}],"usage":null}',
    b'{"model":"theirs","choices":[{"index":0,"delta":{"content":"a"},"logprobs":NaN,"finish_reason":"stop"}]}',
    b'{"model":"theirs","choices":[{"index":0,"delta":{"content":["a"]},"finish_reason":"stop"}]}',
    b'{"model":"theirs","choices":[{"index":"0","delta":[],"finish_reason":"stop"}]}',
    b'{"model":"theirs","choices":[{"index":[],"delta":{"tool_calls":{}},"finish_reason":"stop"}]}',
    b'{"model":"theirs","choices":[{"index":1e999,"finish_reason":"stop"}]}',
    b'{"model":"theirs","choices":{"0":{}}}',
    b'{"model":{"a":1},"choices":[5,null,"x"]}',
]


@pytest.mark.parametrize("payload", ODD)
def test_odd_events_are_passed_on_under_our_name(payload: bytes) -> None:
    sent, relay = _through([_compact(_chunk()), b"data: " + payload + b"\n\n"], hide_usage=True)
    theirs, ours = json.loads(payload), json.loads(sent.split(b"\n\n")[1][6:])
    theirs.pop("usage", None)
    assert json.dumps(ours) == json.dumps({**theirs, "model": "ours"})
    assert relay.state is (DONE if b'"stop"' in payload else BROKEN)


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b"hello", b"5", b"[1]", b'{"a":', b"\xff"]
)
def test_what_cannot_be_read_goes_on_as_it_came(payload: bytes) -> None:
    event = b"data: " + payload + b"\n\n"
    relay = ChatRelay("ours", hide_usage=True)
    assert relay.feed(event).block == event
    assert relay.state is WAITING


def test_what_was_relayed_is_estimated_from_its_text() -> None:
    words = ["hello world, how are you? " * 4, "世界" * 5, "x"]
    stream = [_compact(_chunk(choices=[{"index": 0, "delta": {"content": word}}])) for word in words]
    _, relay = _through(stream, hide_usage=True)
    assert relay.written() == (26 * 4 + 40 + 1) // 4
    calls = [{"index": 0, "function": {"arguments": "x" * 400}}]
    _, relay = _through([_compact(_chunk(choices=[{"delta": {"tool_calls": calls}}]))], hide_usage=True)
    assert relay.written() == 100


def test_only_what_announces_an_answer_does_not_open_it() -> None:
    role = _chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    relay = ChatRelay("ours", hide_usage=True)
    relay.feed(_compact({**BASE, "choices": [], "prompt_filter_results": []}) + _compact(role))
    assert (relay.state, relay.events) == (WAITING, 2)
    for more in (_chunk(), _finish("stop"), _chunk(choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}])):
        relay = ChatRelay("ours", hide_usage=True)
        relay.feed(_compact(role) + _compact(more))
        assert relay.state in (OPENED, FINISHED)


def _joined(stream: bytes) -> bytes:
    """One line of data an event."""
    events = [fields_of(event)[1].replace(b"\n", b" ") for event in stream.split(b"\n\n")]
    return b"".join(b"data: " + each + b"\n\n" for each in events if each)
