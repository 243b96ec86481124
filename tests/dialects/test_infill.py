"""The counts of llama.cpp's own answers, and its streams."""

import json
from typing import Any

import pytest

from gateway import wire
from gateway.dialects.infill_stream import InfillRelay, as_stream
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED
from gateway.dialects.usage import Usage, from_infill

COUNTS: list[tuple[dict[str, Any], Usage | None]] = [
    (
        {"tokens_evaluated": 42, "tokens_predicted": 6, "tokens_cached": 47, "timings": {"prompt_n": 12}},
        Usage(input=42, output=6, cached_input=30),
    ),
    (
        {"tokens_evaluated": 42, "tokens_predicted": 6, "timings": {"cache_n": 31, "prompt_n": 11}},
        Usage(input=42, output=6, cached_input=31),
    ),
    # What stands in the cache after the answer is no part of the prompt …
    ({"tokens_evaluated": 42, "tokens_predicted": 6, "tokens_cached": 47}, Usage(input=42, output=6)),
    # … but what older servers say of before it is.
    ({"tokens_evaluated": 42, "tokens_predicted": 6, "tokens_cached": 30}, Usage(input=42, output=6, cached_input=30)),
    ({"timings": {"prompt_n": 5, "cache_n": 4, "predicted_n": 3}}, Usage(input=9, output=3, cached_input=4)),
    ({"tokens_evaluated": 5, "tokens_predicted": 1, "timings": {"prompt_n": 9}}, Usage(5, 1, cached_input=0)),
    ({"tokens_evaluated": "5", "tokens_predicted": None, "timings": []}, None),
    ({"content": "x"}, None),
]


@pytest.mark.parametrize(("answer", "usage"), COUNTS)
def test_counts(answer: dict[str, Any], usage: Usage | None) -> None:
    assert from_infill(wire.members(json.dumps(answer).encode())) == usage


def _event(**members: Any) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


LAST = _event(content="", stop=True, tokens_evaluated=5, tokens_predicted=2)
STREAMS = [
    ([_event(content="a", stop=False), LAST], DONE),
    ([_event(content="a", stop=False), LAST, b"data: [DONE]\n\n"], DONE),
    ([_event(content="a", stop=False)], BROKEN),
    ([_event(content="a", stop=False), b"data: [DONE]\n\n"], BROKEN),
    ([_event(content="a", stop=False), _event(error={"code": 500, "message": "no"})], FAILED),
    ([], BROKEN),
]


@pytest.mark.parametrize(("events", "state"), STREAMS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_stream_goes_through_in_any_pieces(events: list[bytes], state: int, size: int) -> None:
    relay, data = InfillRelay("ours"), b"".join(events)
    steps = [relay.feed(data[at : at + size]) for at in range(0, len(data), size)]
    steps.append(relay.end())
    assert relay.state == state
    assert b"".join(step.block + step.last for step in steps) == data
    if state is DONE:
        assert relay.counts == Usage(input=5, output=2)
    assert state is FINISHED or relay.state.over


def test_a_whole_answer_becomes_a_stream() -> None:
    answer = wire.members(b'{"content":"a","tokens_evaluated":5,"tokens_predicted":2}')
    stream = as_stream(answer)
    assert stream
    relay = InfillRelay("ours")
    relay.feed(stream)
    relay.end()
    assert relay.state is DONE
    assert as_stream({}) is None
