"""The relay as a pure function: however the bytes arrive, the same events leave."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.openai import ChatRelay
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
    assert relay.done
    assert relay.finished
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
    assert (relay.done, relay.finished, relay.usage) == (False, False, None)


def _payloads(stream: bytes) -> list[dict[str, Any]]:
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]
