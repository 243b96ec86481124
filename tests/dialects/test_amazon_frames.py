"""Amazon's event streams: whole events from any pieces, and nothing but an error from what is no stream."""

import base64
import json
import random
from struct import pack
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.amazon_frames import AMAZON_EVENT_STREAM
from gateway.dialects.faults import fault_of
from gateway.dialects.framing import MAX_EVENT_BYTES, FrameTooLong, fields_of
from tests.translation.converse_wire import frame

TEXT = b'{"delta":{"text":"a"}}'
GOOD = frame("event", "contentBlockDelta", TEXT)


def _read(stream: bytes, sizes: random.Random | None = None) -> list[bytes]:
    reader, events = AMAZON_EVENT_STREAM.reader(), list[bytes]()
    while stream:
        size = sizes.randint(1, 40) if sizes else len(stream)
        events += reader.feed(stream[:size])
        stream = stream[size:]
    return [*events, *reader.end()]


@given(st.integers())
def test_pieces_do_not_matter(seed: int) -> None:
    stream = GOOD + frame("event", "metadata", b"{}") + frame("event", "contentBlockStop", b'{\r\n"a": 1}')
    assert _read(stream, random.Random(seed)) == _read(stream)
    assert [fields_of(event) for event in _read(stream)] == [
        (b"contentBlockDelta", TEXT),
        (b"metadata", b"{}"),
        (b"contentBlockStop", b'{  "a": 1}'),
    ]


def test_what_a_model_wrote_is_taken_out_of_its_base64() -> None:
    inner = {"type": "message_stop", "amazon-bedrock-invocationMetrics": {}}
    chunk = {"bytes": base64.b64encode(json.dumps(inner).encode()).decode(), "p": "abc"}
    (event,) = _read(frame("event", "chunk", json.dumps(chunk).encode()))
    name, payload = fields_of(event)
    assert (name, json.loads(payload)) == (b"message_stop", inner)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"bytes": 1}', b'{"bytes": "*"}', b'{"bytes": "e30"}'])
def test_odd_chunks_are_events_that_say_nothing(payload: bytes) -> None:
    (event,) = _read(frame("event", "chunk", payload))
    assert fields_of(event)[0] == b""


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("throttlingException", 429),
        ("modelNotReadyException", 429),
        ("validationException", 400),
        ("accessDeniedException", 403),
        ("resourceNotFoundException", 404),
        ("modelTimeoutException", 504),
        ("modelStreamErrorException", 502),
        ("internalServerException", 500),
        ("serviceUnavailableException", 503),
    ],
)
def test_exceptions_have_their_status_and_their_words(name: str, status: int) -> None:
    (event,) = _read(frame("exception", name, b'{"message":"Why it is so"}'))
    kind, payload = fields_of(event)
    fault = fault_of(payload)
    assert (kind, fault.status, fault.words) == (b"error", status, "Why it is so")


def test_a_prompt_that_is_too_long_is_known_in_a_stream() -> None:
    (event,) = _read(frame("exception", "validationException", b'{"message":"Input is too long for requested model."}'))
    assert fault_of(fields_of(event)[1]).too_long


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_damaged_frame_is_an_error_and_nothing_follows(at: int, change: int) -> None:
    bad = bytearray(GOOD)
    bad[at] ^= change
    try:
        events = _read(GOOD + bytes(bad) + GOOD * 3)
    except FrameTooLong:
        return
    assert events[0] == _read(GOOD)[0]
    assert len(events) <= 2
    assert all(fields_of(event)[0] == b"error" for event in events[1:])


@given(st.binary(max_size=300))
def test_what_is_no_stream_never_raises(data: bytes) -> None:
    try:
        events = _read(data)
    except FrameTooLong:
        return
    assert all(fields_of(event)[0] == b"error" for event in events)


@given(st.binary(max_size=40))
def test_odd_headers_never_raise(headers: bytes) -> None:
    prelude = pack(">II", 16 + len(headers), len(headers))
    whole = prelude + pack(">I", crc32(prelude)) + headers
    events = _read(whole + pack(">I", crc32(whole)))
    assert len(events) == 1


def test_a_frame_that_is_too_long_is_refused_before_it_came() -> None:
    prelude = pack(">II", MAX_EVENT_BYTES + 1, 0)
    with pytest.raises(FrameTooLong):
        AMAZON_EVENT_STREAM.reader().feed(prelude + pack(">I", crc32(prelude)) + b"xxxx")


def test_headers_of_every_type_are_passed_over() -> None:
    block = b"".join(
        bytes([1]) + b"h" + bytes([kind]) + value
        for kind, value in ((0, b""), (1, b""), (2, b"x"), (3, b"xx"), (4, b"x" * 4), (5, b"x" * 8), (6, b"\0\2xx"))
    )
    block += b"\1h\x08" + b"x" * 8 + b"\1h\x09" + b"x" * 16 + b"\x0b:event-type\x07\0\4name"
    prelude = pack(">II", 16 + len(block) + 2, len(block))
    whole = prelude + pack(">I", crc32(prelude)) + block + b"{}"
    assert _read(whole + pack(">I", crc32(whole))) == [b"event: name\ndata: {}\n\n"]
