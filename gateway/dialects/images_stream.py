"""Streams of OpenAI's Images: pictures that get clearer, and the finished ones with what they used.

Source: platform.openai.com/docs/api-reference/images-streaming.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway import lenient, wire
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import FINISHED, OPENED, WAITING
from gateway.dialects.usage import Usage
from gateway.wire import Members


class _Event(Struct, gc=False):
    type: Any = None
    error: Raw = NOTHING


class ImagesRelay(PassThrough):
    """Each finished picture has an event of its own; the connection ends after the last."""

    shapes = (_Event,)

    def __init__(self, model: str, usage_of: Callable[[Members], Usage | None]) -> None:
        super().__init__(model)
        self._usage_of = usage_of
        self._images = 0

    def name_of(self, fields: _Event) -> Any:
        return None

    def read(self, fields: _Event, payload: bytes, event: bytes) -> bytes:
        kind = fields.type if isinstance(fields.type, str) else ""
        if lenient.says(fields.error) or kind == "error":
            return self.failed(payload, event)
        if kind.endswith(".completed"):
            self._finished(payload)
        elif self.state is WAITING:
            self.state = OPENED
        return event

    def _finished(self, payload: bytes) -> None:
        self.state = FINISHED
        self._images += 1
        self.take(self._usage_of(lenient.members(payload)) or Usage())
        self.usage = msgspec.structs.replace(self.usage or Usage(), images=self._images)


def generation_as_stream(answer: Members) -> bytes | None:
    """Return a whole answer as the stream that was asked for."""
    return _as_stream("image_generation.completed", answer)


def edit_as_stream(answer: Members) -> bytes | None:
    """Return a whole answer of an edit as the stream that was asked for."""
    return _as_stream("image_edit.completed", answer)


def _as_stream(kind: str, answer: Members) -> bytes | None:
    found = lenient.peek(answer, "data")
    images = [each["b64_json"] for each in found if isinstance(each, dict) and isinstance(each.get("b64_json"), str)]
    if not images:
        return None
    told = {name: lenient.peek(answer, name) for name in ("size", "quality", "background", "output_format", "usage")}
    defaults = {"size": "auto", "quality": "auto", "background": "auto", "output_format": "png"}
    about = defaults | {name: value for name, value in told.items() if value is not None}
    about |= {"type": kind, "created_at": int(time.time())}
    return b"".join(_event(kind, {**about, "b64_json": image}) for image in images)


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), wire.encode(content))
