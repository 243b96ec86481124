"""Streams where client and upstream speak the same dialect: each event goes on as it came but for the model's name.

Pure: bytes in, bytes out. An event costs one pass of a typed decoder that keeps only the members with a meaning; what
those mean is each dialect's own.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from gateway import lenient, wire
from gateway.dialects.framing import EventReader, FrameReader, fields_of, with_data
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, OPENED, WAITING, Step, StreamState
from gateway.dialects.usage import Usage

NOTHING = msgspec.Raw(b"")
"""Stands for a member that is absent."""
_START = b"data: "
_LONGEST_PREFIX = 4096


class PassThrough:
    """Relays one stream of server-sent events under our model name. A dialect says in a subclass what they mean."""

    shapes: ClassVar[tuple[type[msgspec.Struct], ...]]
    """Members with a meaning. An event that does not fit the first shape is read by the next, more tolerant one."""
    holder: ClassVar[str | None] = None
    """The member of an event in which `model` stands; None = the event itself."""
    closing: ClassVar[bytes] = b""
    """Ends a stream whose upstream finished its answer but not the stream."""

    def __init_subclass__(cls) -> None:
        cls._decoders = tuple(msgspec.json.Decoder(shape).decode for shape in cls.shapes)

    _decoders: ClassVar[tuple[Callable[[bytes], Any], ...]]

    def __init__(self, model: str) -> None:
        self._model = model
        self._name = wire.encode(model)
        self._ours = b'"model":' + self._name
        self._theirs: bytes | None = None
        """The model member as the upstream last wrote it."""
        self._prefix = self._our_prefix = b""
        """How that event began, up to its model; most others begin the same, and those are not searched."""
        self.event_reader: FrameReader = EventReader()
        """Cuts the upstream's stream into server-sent events."""
        self._pieces = 0
        self._written = 0
        self._pieces_counted = 2**62
        """Pieces of text that were there when the counts came; counts at the end of a stream are of all."""
        self.cost_usd: Callable[[Usage], float | None] | None = None
        """Set where the client is to be told what its answer cost."""
        self.usage: Usage | None = None
        self.begun: Usage | None = None
        """Token counts of the prompt, sent at the start by an upstream that does not know its answer yet."""
        self.answer_id: str | None = None
        """The id by which the client may continue this answer, where the upstream remembers it."""
        self.events = 0
        """Number of events read."""
        self.state: StreamState = WAITING
        self.error: bytes | None = None
        """The data of the upstream's own error event; nothing but the end follows it."""

    def feed(self, data: bytes) -> Step:
        """Take what arrived; return the whole events in it. Raises `FrameTooLong`."""
        events = self.event_reader.feed(data)
        if len(events) != 1:
            return self._relay(events)
        shown = self._event(events[0])
        return Step(shown) if self.state <= FINISHED else Step(b"", shown)

    def end(self) -> Step:
        """Take the end of the connection. A last event without its blank line still counts."""
        step = self._relay(self.event_reader.end())
        if self.state > FINISHED:
            return step
        if self.state < FINISHED:
            self.state = BROKEN
            return step
        self.state = DONE
        return Step(step.block, self.closing)

    def written(self) -> int:
        """Return about how many tokens were relayed."""
        return max(self._pieces, self._written // 4)

    def wrote(self, text: Any) -> None:
        """Count a piece of text that the model wrote: about four narrow characters or one wide one are a token."""
        self._pieces += 1
        if self.state is WAITING:
            self.state = OPENED
        if type(text) is not str:
            text = str(text)
        self._written += len(text) if text.isascii() else 4 * len(text)

    def take(self, usage: Usage) -> None:
        """Take counts that came in the middle of a stream; of several the largest count."""
        if self.usage is None or (usage.output or 0) >= (self.usage.output or 0):
            self.usage = usage
        self._pieces_counted = self._pieces

    @property
    def counts(self) -> Usage | None:
        """Return the upstream's counts; without those of the answer where text came after them."""
        usage = self.usage
        if usage and self._pieces_counted < self._pieces and self.written() > (usage.output or 0):
            return msgspec.structs.replace(usage, output=None, reasoning=None)
        return usage

    def name_of(self, fields: Any) -> Any:
        """Return the model member of an event; None where there is none."""
        raise NotImplementedError

    def read(self, fields: Any, payload: bytes, event: bytes) -> bytes:
        """Learn from an event; return it as the client gets it, or nothing."""
        raise NotImplementedError

    def read_text(self, payload: bytes, event: bytes) -> bytes:
        """Read an event that is not JSON. `[DONE]` is no event of most wires, and their clients stop at it."""
        return b"" if payload.strip() == b"[DONE]" else event

    def failed(self, payload: bytes, event: bytes) -> bytes:
        """Take an error, which is the final event."""
        self.state, self.error = FAILED, payload
        return event

    def _relay(self, events: list[bytes]) -> Step:
        """Read event by event, up to the final one, which is held back."""
        kept: list[bytes] = []
        for event in events:
            shown = self._event(event)
            if self.state > FINISHED:
                return Step(b"".join(kept), shown)
            kept.append(shown)
        return Step(b"".join(kept))

    def _event(self, event: bytes) -> bytes:
        renamed = event
        if self._prefix and event.startswith(self._prefix):
            renamed = self._our_prefix + event[len(self._prefix) :]
        elif self._theirs and event.count(self._theirs) == 1:
            renamed = event.replace(self._theirs, self._ours)
        name = b""
        if renamed.startswith(_START) and renamed.find(b"\n") == len(renamed) - 2:
            payload = renamed[len(_START) : -2]
        else:
            name, payload = fields_of(renamed)
            if not payload:
                return event
        self.events += 1
        if name == b"error":
            return self.failed(payload, renamed)
        try:
            fields = self._decoders[0](payload)
        except lenient.UNREADABLE:
            fields = self._decoded(payload)
        if fields is None:
            return self._odd(payload, event)
        name = self.name_of(fields)
        try:
            if name == self._model or (renamed is event and not name):
                return self.read(fields, payload, renamed)
            return self._rewritten(event)
        except lenient.UNREADABLE:
            return event

    def _decoded(self, payload: bytes) -> Any:
        for decode in self._decoders:
            try:
                return decode(payload)
            except msgspec.ValidationError:
                continue
            except lenient.UNREADABLE:
                break
        return None

    def _rewritten(self, event: bytes) -> bytes:
        """Put our name in the place of any other, and remember how that one is written."""
        _, payload = fields_of(event)
        payload, theirs = self._with_our_name(payload)
        self._remember(event, theirs)
        return self.read(self._decoded(payload), payload, with_data(event, payload))

    def _remember(self, event: bytes, theirs: bytes | None) -> None:
        """Learn how the upstream writes its name, and where: there it is told apart from others by changing it."""
        found = theirs and re.search(rb'"model"\s*:\s*' + re.escape(theirs), event)
        self._theirs = found[0] if found else None
        self._prefix = self._our_prefix = b""
        if not found or found.end() > _LONGEST_PREFIX:
            return
        prefix, ours = event[: found.end()], event[: found.start()] + self._ours
        fields = self._decoded(fields_of(ours + event[len(prefix) :])[1])
        if fields is not None and self.name_of(fields) == self._model:
            self._prefix, self._our_prefix = prefix, ours

    def _odd(self, payload: bytes, event: bytes) -> bytes:
        """Read what the decoder does not: `[DONE]`, half a surrogate pair, `NaN`, no JSON at all."""
        try:
            fields = self._decoded(lenient.readable(payload))
            payload, _ = self._with_our_name(payload)
        except lenient.UNREADABLE:
            fields = None
        if fields is None:
            return self.read_text(payload, event)
        return self.read(fields, payload, with_data(event, payload))

    def _with_our_name(self, payload: bytes) -> tuple[bytes, bytes | None]:
        """Return an event's data under our model name, and the name that it had."""
        fields = lenient.members(payload)
        within = lenient.members(bytes(fields.get(self.holder, b"{}"))) if self.holder else fields
        theirs = bytes(within.get("model", b""))
        if theirs in lenient.EMPTY:
            return payload, None
        within["model"] = msgspec.Raw(self._name)
        if self.holder:
            fields[self.holder] = msgspec.Raw(wire.encode(within))
        return wire.encode(fields), theirs
