"""Every recorded stream through the relays as pure functions: only the model's name differs, however it is cut."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import messages, responses
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.passthrough import PassThrough
from gateway.dialects.relay import BROKEN, DONE, FINISHED
from gateway.dialects.usage import Usage
from tests.fakes.recordings import FOLDER, Recorded, require_recordings, streams
from tests.fakes.replaying import events

WIRES = {"test_anthropic": messages.UPSTREAM, "test_openai_responses": responses.UPSTREAM}
STREAMS = [(dialect, each) for name, dialect in WIRES.items() for each in (streams(name) if FOLDER.is_dir() else [])]


def test_there_are_recordings() -> None:
    require_recordings()
    assert len(STREAMS) > 25


@pytest.mark.parametrize(("dialect", "stream"), STREAMS)
def test_only_the_name_differs(dialect: UpstreamDialect, stream: Recorded) -> None:
    sent, relay = _through(dialect, [stream.answer])
    assert relay.state is DONE
    assert relay.error is None
    theirs = _payloads(stream.answer)
    holder = relay.holder or ""
    for event in theirs:
        if "model" in event.get(holder, {}):
            event[holder]["model"] = "ours"
    assert _payloads(sent) == theirs
    assert sent.count(b'"ours"') == sum("model" in event.get(holder, {}) for event in theirs)


@pytest.mark.parametrize(("dialect", "stream"), STREAMS)
def test_counts_are_the_recorded_ones(dialect: UpstreamDialect, stream: Recorded) -> None:
    _, relay = _through(dialect, [stream.answer])
    assert relay.usage
    counted = [event.get("response", event).get("usage") for event in _payloads(stream.answer)]
    assert relay.usage.output == [usage for usage in counted if usage][-1]["output_tokens"]
    assert relay.usage.input
    assert relay.usage.input >= (relay.usage.cached_input or 0)
    assert relay.written() <= (relay.usage.output or 0) * 3, "an estimate from the text is of the right size"


@pytest.mark.parametrize(("dialect", "stream"), STREAMS[::6])
def test_cuts_change_nothing(dialect: UpstreamDialect, stream: Recorded) -> None:
    whole, _ = _through(dialect, [stream.answer])

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(1, len(stream.answer) - 1), unique=True, max_size=30))
    def check(cuts: list[int]) -> None:
        edges = [0, *sorted(cuts), len(stream.answer)]
        sent, relay = _through(dialect, [stream.answer[start:end] for start, end in pairwise(edges)])
        assert sent == whole
        assert relay.state is DONE

    check()


@pytest.mark.parametrize(("dialect", "stream"), STREAMS[::3])
def test_without_its_end_a_stream_is_not_finished(dialect: UpstreamDialect, stream: Recorded) -> None:
    parts = [each for each in events(stream.answer) if not _is_final(each)]
    _, relay = _through(dialect, parts)
    assert relay.state is BROKEN
    assert relay.written() > 0


def test_text_that_looks_like_the_wires_own_marks_is_left_alone() -> None:
    text = '"model":"theirs" message_stop "usage":{"output_tokens":9} "error"'
    start = {"type": "message_start", "message": {"model": "theirs", "usage": {"input_tokens": 5}}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (start, delta))
    sent, relay = _through(messages.UPSTREAM, [stream])
    assert _payloads(sent)[1] == delta
    assert _payloads(sent)[0]["message"]["model"] == "ours"
    assert (relay.state, relay.usage, relay.begun) == (BROKEN, None, Usage(input=5))


def test_a_zero_at_the_end_does_not_hide_a_count_of_the_start() -> None:
    start = {"type": "message_start", "message": {"model": "x", "usage": {"input_tokens": 50, "output_tokens": 0}}}
    delta = {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 0, "output_tokens": 7}}
    stream = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (start, delta))
    _, relay = _through(messages.UPSTREAM, [stream])
    assert relay.usage == Usage(input=50, output=7)


INSERTED = [
    b"\r",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"event: error\n",
    b"data: [DONE]\n\n",
    b"\xff",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"[",
]
INSERTED += [
    b'"error":',
    b'"usage":[],',
    b'"model":{},',
    b'"response":5,',
    b'"message":[],',
    b'"type":{},',
    b'"id":[],',
]


@pytest.mark.parametrize(("dialect", "stream"), STREAMS[::4])
def test_damaged_streams_crash_nobody_however_they_are_cut(dialect: UpstreamDialect, stream: Recorded) -> None:
    places = st.lists(st.tuples(st.integers(0, len(stream.answer)), st.sampled_from(INSERTED)), max_size=5)

    @settings(max_examples=40, deadline=None)
    @given(places, st.lists(st.integers(1, len(stream.answer) - 1), unique=True, max_size=20))
    def check(damage: list[tuple[int, bytes]], cuts: list[int]) -> None:
        damaged = stream.answer
        for place, inserted in damage:
            damaged = damaged[:place] + inserted + damaged[place:]
        edges = [0, *sorted(cuts), len(damaged)]
        whole, one = _through(dialect, [damaged])
        sent, other = _through(dialect, [damaged[start:end] for start, end in pairwise(edges)])
        assert sent == whole
        assert (one.usage, one.state, one.error) == (other.usage, other.state, other.error)

    check()


def _through(dialect: UpstreamDialect, pieces: list[bytes]) -> tuple[bytes, PassThrough]:
    relay, sent = dialect.relay("ours", {}), b""
    assert isinstance(relay, PassThrough)
    for piece in pieces:
        step = relay.feed(piece)
        sent += step.block + step.last
        if relay.state > FINISHED:
            return sent, relay
    step = relay.end()
    return sent + step.block + step.last, relay


def _is_final(event: bytes) -> bool:
    return re.search(rb'"type": ?"(message_stop|message_delta|response\.completed)"|\[DONE\]', event) is not None


def _payloads(stream: bytes) -> list[dict[str, Any]]:
    lines = [line[5:] for line in stream.splitlines() if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if b"[DONE]" not in line]
