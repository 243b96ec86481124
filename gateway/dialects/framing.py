"""How an upstream's stream is cut into frames: bytes arrive in any pieces and leave as whole events or documents.

Source: html.spec.whatwg.org/multipage/server-sent-events.html. Lines end with CR LF, LF or CR; here they end with LF.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A frame longer than this is a fault of the upstream, not an answer."""
KEEPALIVE = b": keepalive\n\n"
"""A comment, which clients skip and every proxy counts as traffic."""

_BOM = b"\xef\xbb\xbf"


class FrameTooLong(Exception):
    """The upstream sent a frame over `MAX_EVENT_BYTES`."""


class FrameReader(Protocol):
    """Collects one stream's bytes and gives back its frames."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are complete now. Raises `FrameTooLong`."""

    def end(self) -> list[bytes]:
        """Return what the end of the stream makes a frame."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A way to put events on a connection."""

    media_type: str
    """Asked for in `accept`."""
    reader: Callable[[], FrameReader]


class EventReader:
    """Collects one stream's bytes and gives back its events."""

    def __init__(self) -> None:
        self._part = bytearray()
        """The beginning of an event whose end has not arrived."""
        self._begun = False
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that are complete now, each with the blank line that ends it. Raises `FrameTooLong`."""
        if self._begun and not self._part and not self._after_cr and b"\r" not in data:
            end = len(data) - 2
            if data.endswith(b"\n\n") and (data.find(b"\n") == end or data.find(b"\n\n") == end):
                return [data]  # one event, as nearly always
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        if self._after_cr or b"\r" in data:
            data = self._with_line_feeds(data)
        if self._part:
            joint = self._part[-1:] + data[:1]
            self._part += data
            if b"\n\n" not in data and joint != b"\n\n":  # searched only in what is new: it may come byte by byte
                return self._checked([])
            data = bytes(self._part)
            self._part.clear()
        if not self._begun:
            data = self._without_bom(data)
        *events, rest = data.split(b"\n\n")
        if rest:
            self._part += rest
        return self._checked([event + b"\n\n" for event in events if event])

    def end(self) -> list[bytes]:
        """Return the last event where the stream ended without the blank line after it."""
        rest = bytes(self._part).strip(b"\n")
        self._part.clear()
        return [rest + b"\n\n"] if rest else []

    def _checked(self, events: list[bytes]) -> list[bytes]:
        if len(self._part) > MAX_EVENT_BYTES:
            raise FrameTooLong
        return events

    def _without_bom(self, data: bytes) -> bytes:
        """Drop a byte order mark, which may stand before the first event only."""
        if len(data) < len(_BOM) and _BOM.startswith(data):
            return data
        self._begun = True
        return data.removeprefix(_BOM)

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r") if data else self._after_cr
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def fields_of(event: bytes) -> tuple[bytes, bytes]:
    """Return an event's name and its data lines, joined; both empty for comments."""
    head, found, rest = event.partition(b"\ndata: ")
    if found and head.startswith(b"event: ") and b"\n" not in head and rest.count(b"\n") == 2:
        return head[7:].strip(), rest[:-2]
    name, data = b"", []
    for line in event.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
    return name, b"\n".join(data)


def with_data(event: bytes, data: bytes) -> bytes:
    """Return an event with other data, all else of it unchanged. Line ends in JSON are space between its tokens."""
    data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    others = [line for line in event.strip(b"\n").split(b"\n") if line and line.partition(b":")[0] != b"data"]
    return b"\n".join([*others, b"data: " + data]) + b"\n\n"


class DocumentReader:
    """Reads a body that is one frame as a whole."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Collect `data`; the frame comes at the end. Raises `FrameTooLong`."""
        self._body += data
        if len(self._body) > MAX_EVENT_BYTES:
            raise FrameTooLong
        return []

    def end(self) -> list[bytes]:
        return [bytes(self._body)] if self._body else []


SERVER_SENT_EVENTS = Framing("text/event-stream", EventReader)
DOCUMENT = Framing("application/json", DocumentReader)
