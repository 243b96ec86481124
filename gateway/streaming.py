"""Server-sent events on the way back: relayed in blocks of whole events, read only where they tell something.

Pure: bytes in, bytes out. A chunk of text costs a few searches in C; only the events that carry
usage or an error are parsed.
"""

import re
from dataclasses import dataclass

import msgspec

from gateway import wire
from gateway.dialects.usage import Usage, from_openai

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""An event longer than this is a fault of the upstream, not an answer."""

DONE = b"data: [DONE]\n\n"
KEEPALIVE = b": keepalive\n\n"

_MODEL = re.compile(rb'(?<!\\)"model"\s*:\s*"((?:[^"\\]|\\.)*)"')
_EVENT_END = re.compile(rb"\r?\n\r?\n")


class EventTooLong(Exception):
    """The upstream sent an event over `MAX_EVENT_BYTES`."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a piece of the upstream's stream comes to: bytes to send on, and what ends the answer.

    `last` is to be sent after the record is written: it holds the stream's final event.
    """

    block: bytes = b""
    last: bytes = b""


class EventRelay:
    """Relays one OpenAI-dialect stream, under our model name, without the usage chunk nobody asked for."""

    def __init__(self, model: str, *, hide_usage: bool) -> None:
        self._name = b'"model":' + wire.encode(model)
        self._hide_usage = hide_usage
        self._tail = b""
        self._theirs: bytes | None = None
        self.usage: Usage | None = None
        self.events = 0
        """Events relayed: an estimate of the tokens sent where the upstream never counted."""
        self.finished = False
        """A choice ended with a `finish_reason`."""
        self.done = False
        """`[DONE]` came."""
        self.ended = False
        """The upstream closed the connection."""
        self.error: bytes | None = None
        """The upstream's own error event, if it sent one."""

    def feed(self, data: bytes) -> Step:
        """Take what arrived; give back the whole events in it. Raises `EventTooLong`."""
        data = self._tail + data if self._tail else data
        end = _last_event_end(data)
        if end != len(data):
            self._tail = data[end:]
            if len(self._tail) > MAX_EVENT_BYTES:
                raise EventTooLong
            data = data[:end]
        else:
            self._tail = b""
        return self._relay(data) if data else Step()

    def end(self) -> Step:
        """The upstream closed. A last event without its blank line still counts."""
        self.ended = True
        rest, self._tail = self._tail.strip(), b""
        return self._relay(rest + b"\n\n") if rest else Step()

    def _relay(self, block: bytes) -> Step:
        block = self._renamed(block)
        self.events += block.count(b"data:")
        if not self.finished and b'"finish_reason":"' in block:
            self.finished = True
        if b'"usage"' not in block and b"[DONE]" not in block and b'"error"' not in block:
            return Step(block)
        return self._inspected(block)

    def _renamed(self, block: bytes) -> bytes:
        if self._theirs is None:
            found = _MODEL.search(block)
            if not found:
                return block
            self._theirs = found[0]
        return block if self._theirs == self._name else block.replace(self._theirs, self._name)

    def _inspected(self, block: bytes) -> Step:
        """Event by event: take usage and errors out, hold the final event back."""
        kept: list[bytes] = []
        last = b""
        for event in _events(block):
            payload = _payload(event)
            if payload == b"[DONE]":
                self.done = True
                last = event
            elif shown := self._read(payload, event):
                kept.append(shown)
        return Step(b"".join(kept), last)

    def _read(self, payload: bytes, event: bytes) -> bytes:
        """One event as the client gets it; empty where it is only the usage that the client did not want."""
        try:
            fields = wire.members(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return event
        if "error" in fields and wire.kind(fields, "error") is not None:
            self.error = payload
        usage = from_openai(wire.value(fields, "usage"))
        self.usage = usage or self.usage
        if not self._hide_usage or "usage" not in fields:
            return event
        if usage and wire.value(fields, "choices") == []:
            return b""
        del fields["usage"]
        return b"data: " + wire.encode(fields) + b"\n\n"


def _last_event_end(data: bytes) -> int:
    if data.endswith(b"\n\n"):
        return len(data)
    end = data.rfind(b"\n\n")
    carriage = data.rfind(b"\r\n\r\n")
    return max(end + 2 if end >= 0 else 0, carriage + 4 if carriage >= 0 else 0)


def _events(block: bytes) -> list[bytes]:
    events, start = [], 0
    for match in _EVENT_END.finditer(block):
        events.append(block[start : match.end()])
        start = match.end()
    return events


def _payload(event: bytes) -> bytes:
    """The joined `data:` lines of an event; empty for comments."""
    lines = (line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(lines)
