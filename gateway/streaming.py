"""Server-sent events on the way back: relayed in blocks of whole events, read only where they tell something.

Pure: bytes in, bytes out. A chunk of text costs a few searches in C; only the events that carry
usage, an error or the end are parsed. What those look like is each wire's own, in `dialects/`.
"""

import re
from collections.abc import Callable
from typing import ClassVar

import msgspec

from gateway import wire
from gateway.dialects.usage import Usage
from gateway.wire import Members

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""An event longer than this is a fault of the upstream, not an answer."""

KEEPALIVE = b": keepalive\n\n"

_EVENT_END = re.compile(rb"\r?\n\r?\n")


class EventTooLong(Exception):
    """The upstream sent an event over `MAX_EVENT_BYTES`."""


class Step(msgspec.Struct, frozen=True):
    """What a piece of the upstream's stream comes to: bytes to send on, and what ends the answer.

    `last` is to be sent after the record is written: it holds the stream's final event.
    """

    block: bytes = b""
    last: bytes = b""


class Relay:
    """Relays one stream under our model name. A wire says in a subclass what its events tell."""

    marks: ClassVar[tuple[bytes, ...]] = ()
    """A block with none of these goes on unread."""
    holder: ClassVar[str | None] = None
    """The member of an event in which `model` stands; None = the event itself."""
    texts: ClassVar[re.Pattern[bytes] | None] = None
    """Finds what the model wrote, to estimate its tokens; None = an event is about a token."""
    closing: ClassVar[bytes] = b""
    """Ends a stream whose upstream finished its answer but not the stream."""

    def __init__(self, model: str) -> None:
        self._name = b'"model":' + wire.encode(model)
        self._tail = b""
        self._theirs: bytes | None = None
        self._pieces = 0
        self._written = 0
        self.cost_usd: Callable[[Usage], float | None] | None = None
        """Set where the client is to be told what its answer cost."""
        self.usage: Usage | None = None
        self.begun: Usage | None = None
        """What the upstream told of the prompt at the start, before it knew its answer."""
        self.answer_id: str | None = None
        """By which id the client may continue this answer, where the upstream remembers it."""
        self.events = 0
        """Events relayed."""
        self.finished = False
        """The answer is complete, whether or not the stream's final event comes."""
        self.done = False
        """The final event came."""
        self.ended = False
        """The upstream closed the connection."""
        self.error: bytes | None = None
        """The upstream's own error event, if it sent one; it is the final event."""

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

    def written(self) -> int:
        """About how many tokens were relayed."""
        return max(self._pieces, self._written // 4) if self.texts else max(self.events - 1, 0)

    def notice(self, block: bytes) -> None:
        """Look at every block; must be cheap."""
        if self.texts:
            for text in self.texts.findall(block):
                self._pieces += 1
                self._written += len(text)

    def lighten(self, block: bytes) -> bytes:
        """Take out of every event what says nothing and would only be read to be taken out; must be cheap."""
        return block

    def read(self, payload: bytes, event: bytes) -> bytes:
        """Learn from one event with a mark in it; gives it as the client gets it, or nothing."""
        try:
            fields = wire.members(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return event
        return self.told(fields, payload, event)

    def told(self, fields: Members, payload: bytes, event: bytes) -> bytes:
        """`read` of an event that is a JSON object."""
        raise NotImplementedError

    def _relay(self, block: bytes) -> Step:
        block = self._renamed(block)
        self.events += block.count(b"\ndata:") + block.startswith(b"data:")
        self.notice(block)
        block = self.lighten(block)
        for mark in self.marks:
            if mark in block:
                return self._inspected(block)
        return Step(block)

    def _renamed(self, block: bytes) -> bytes:
        if self._theirs is None:
            if b'"model"' not in block:
                return block
            self._theirs = _model_member(block, self.holder)
            if self._theirs is None:
                return block
        return block if self._theirs == self._name else block.replace(self._theirs, self._name)

    def _inspected(self, block: bytes) -> Step:
        """Event by event, up to the final one, which is held back."""
        kept: list[bytes] = []
        for event in _events(block):
            shown = self.read(_payload(event), event)
            if self.done:
                return Step(b"".join(kept), shown)
            kept.append(shown)
        return Step(b"".join(kept))


def _model_member(block: bytes, holder: str | None) -> bytes | None:
    """The first `"model":"…"` that names who answers, as it is written."""
    for event in _events(block):
        try:
            fields = wire.members(_payload(event))
            fields = wire.members(fields.get(holder, b"{}")) if holder else fields
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        name = bytes(fields.get("model", b""))
        if len(name) > 2 and name[:1] == b'"':  # Azure's first event has an empty name
            found = re.search(rb'"model"\s*:\s*' + re.escape(name), event)
            return found[0] if found else None
    return None


def _last_event_end(data: bytes) -> int:
    if data.endswith(b"\n\n"):
        return len(data)
    end = data.rfind(b"\n\n")
    carriage = data.rfind(b"\r\n\r\n")
    return max(end + 2 if end >= 0 else 0, carriage + 4 if carriage >= 0 else 0)


def _events(block: bytes) -> list[bytes]:
    if b"\r" not in block:
        return [event + b"\n\n" for event in block.split(b"\n\n")[:-1]]
    events, start = [], 0
    for match in _EVENT_END.finditer(block):
        events.append(block[start : match.end()])
        start = match.end()
    return events


def _payload(event: bytes) -> bytes:
    """The joined `data:` lines of an event; empty for comments."""
    lines = (line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(lines)
