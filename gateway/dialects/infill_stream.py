"""Streams of llama.cpp's infill: events with a piece of text, and a last one that says `stop` and counts."""

from operator import attrgetter
from typing import Any

from msgspec import Raw, Struct

from gateway import lenient, wire
from gateway.dialects.framing import with_data
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import BROKEN, DONE, FINISHED, OPENED, WAITING, Step
from gateway.dialects.usage import from_infill
from gateway.wire import Members


class _Event(Struct, gc=False):
    content: Any = None
    stop: Any = None
    error: Raw = NOTHING
    model: Any = None


class InfillRelay(PassThrough):
    """Sends infill's events on; the one that says `stop` finishes the answer."""

    shapes = (_Event,)
    name_of = staticmethod(attrgetter("model"))  # type: ignore[assignment]  # a call in C, for every event

    def whole(self, answer: Members) -> Step:
        """Return all events of an answer that came in one piece."""
        step = self.feed(as_stream(answer) or b"")
        return step if self.state > FINISHED else Step(step.block, self.end().last)

    def read_text(self, payload: bytes, event: bytes) -> bytes:
        if payload.strip() == b"[DONE]":
            self.state = DONE if self.state >= FINISHED else BROKEN
        return event

    def read(self, fields: _Event, payload: bytes, event: bytes) -> bytes:
        if fields.error is not NOTHING and lenient.says(fields.error):
            return self.failed(payload, event)
        if fields.content:
            self.wrote(fields.content)
        elif self.state is WAITING:
            self.state = OPENED
        if fields.stop is True:
            self.state = FINISHED
            if usage := from_infill(lenient.members(payload)):
                self.take(usage)
        return event


def as_stream(answer: Members) -> bytes | None:
    """Return a whole answer as the stream that was asked for."""
    if "content" not in answer:
        return None
    wire.put(answer, "stop", True)
    return with_data(b"", wire.encode(answer))
