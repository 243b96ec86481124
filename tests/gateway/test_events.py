"""Framing of event streams: whatever the line ends and however the bytes are cut, the same events come out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.framing import MAX_EVENT_BYTES, EventReader, FrameTooLong, fields_of, with_data

STREAM = "\ufeff: hello\n\nevent: a\ndata: one\ndata:two\nid: 1\n\n\ndata:  世界\n\n: ping\n\ndata\n\n".encode()
STREAM += b"data: last\n\n"
EVENTS = [b": hello\n\n", b"event: a\ndata: one\ndata:two\nid: 1\n\n", "\ndata:  世界\n\n".encode(), b": ping\n\n"]
EVENTS += [b"data\n\n", b"data: last\n\n"]
LINE_ENDS = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=30, max_size=30)


def _read(pieces: list[bytes]) -> list[bytes]:
    reader = EventReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.end()


def _cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) - 1) + 1 for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges) if end > start]


@given(LINE_ENDS, st.lists(st.integers(0, 1000), max_size=60))
def test_line_ends_and_cuts(ends: list[bytes], cuts: list[int]) -> None:
    *lines, rest = STREAM.split(b"\n")
    parts = [line + end for line, end in zip(lines, ends, strict=False)]
    # CR LF is one line end, so a CR cannot stand before a line that is empty and ends in LF.
    mixed = b"".join(parts) + rest
    if b"\r\n" in mixed and any(a == b"\r" and b == b"\n" and not line for a, b, line in _neighbours(lines, ends)):
        return
    events = [event.lstrip(b"\n") for event in _read(_cut(mixed, cuts))]
    assert events == [event.lstrip(b"\n") for event in EVENTS]


def _neighbours(lines: list[bytes], ends: list[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    return [(before, after, line) for (before, after), line in zip(pairwise(ends), lines[1:], strict=False)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_byte_by_byte(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    assert [event.lstrip(b"\n") for event in _read([bytes([each]) for each in stream])] == [
        event.lstrip(b"\n") for event in EVENTS
    ]


def test_a_byte_order_mark_stands_at_the_beginning_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert _read([mark + b"data: a\n\n" + mark + b"data: b\n\n"]) == [b"data: a\n\n", mark + b"data: b\n\n"]
    assert _read([mark[:1], mark[1:2], mark[2:] + b"data: a\n\n"]) == [b"data: a\n\n"]


def test_the_last_event_needs_no_blank_line() -> None:
    assert _read([b"data: a\n\ndata: b"]) == [b"data: a\n\n", b"data: b\n\n"]
    assert _read([b"data: a\r"]) == [b"data: a\n\n"]
    assert _read([b"\n\n\n"]) == []


def test_an_event_without_end_is_given_up() -> None:
    pieces = [b"x" * 2**20] * (MAX_EVENT_BYTES // 2**20)
    assert len(_read(pieces)) == 1
    with pytest.raises(FrameTooLong):
        _read([*pieces, b"x"])


FIELDS = [
    (b"data: x\n\n", b"", b"x"),
    (b"data:x\n\n", b"", b"x"),
    (b"data:  x \n\n", b"", b" x "),
    (b"event: error\ndata: x\n\n", b"error", b"x"),
    (b"data: x\nevent:error\n\n", b"error", b"x"),
    (b"event: a\ndata: 1\ndata: 2\n\n", b"a", b"1\n2"),
    (b"event: a\nid: 5\ndata: 1\n\n", b"a", b"1"),
    (b"id: data: 5\ndata: 1\nretry: 3\n\n", b"", b"1"),
    (b": data: x\n\n", b"", b""),
    (b"database: x\n\n", b"", b""),
    (b"data\n\n", b"", b""),
    (b"\n\n", b"", b""),
]


@pytest.mark.parametrize(("event", "name", "data"), FIELDS)
def test_fields(event: bytes, name: bytes, data: bytes) -> None:
    assert fields_of(event) == (name, data)


def test_other_data_leaves_the_rest() -> None:
    assert with_data(b"event: a\nid: 1\ndata: x\ndata: y\n: c\n\n", b"{}") == b"event: a\nid: 1\n: c\ndata: {}\n\n"
    assert with_data(b"", b"{\r\n}") == b"data: {  }\n\n"
    assert with_data(b"", b"{}") == b"data: {}\n\n"
