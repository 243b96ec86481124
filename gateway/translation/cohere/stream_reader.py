"""A stream of Cohere's Chat into events, with tolerance of whatever an upstream sends."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway import lenient
from gateway.dialects.cohere import error_of, is_broken
from gateway.dialects.usage import from_cohere
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Event, Failed, Started
from gateway.translation.checks import Fields
from gateway.translation.cohere.citations import logprobs_of
from gateway.translation.cohere.names import end_of
from gateway.translation.cohere.open_parts import OpenParts
from gateway.translation.messages.answer_reader import object_of, raw_arguments, text_of
from gateway.translation.plain import event_data


class _Content(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: _Content


class _Delta(msgspec.Struct, gc=False):
    message: _Message


class _Piece(msgspec.Struct, gc=False):
    """The event that comes for every piece of text; any other does not fit, or is read again as it is."""

    delta: _Delta
    index: int = 0
    logprobs: Any = None


_decode_piece = msgspec.json.Decoder(_Piece).decode


class CohereStreamReader:
    """Reads one stream. `message-end` has the counts, and is the end."""

    def __init__(self, profile: Profile) -> None:
        self._parts = OpenParts()
        self._started = self._over = False

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        if self._over:
            return ()
        if name == b"content-delta" and self._started:
            try:
                piece = _decode_piece(payload)
            except lenient.UNREADABLE:
                return self._read_other(name, payload)
            return self._piece(piece)
        return self._read_other(name, payload)

    def end(self) -> Sequence[Event]:
        return ()

    def _piece(self, piece: _Piece) -> Sequence[Event]:
        content = piece.delta.message.content
        if content.text:
            return self._parts.text(piece.index, content.text, _likely(piece.logprobs))
        return self._parts.thinking(piece.index, content.thinking) if content.thinking else ()

    def _read_other(self, name: bytes, payload: bytes) -> Sequence[Event]:
        event = event_data(payload)
        kind = text_of(event.get("type")) or name.decode("ascii", "replace")
        reader = _READERS.get(kind)
        if kind == "error" or (reader is None and isinstance(event.get("message"), str)):
            self._over = True
            return (Failed(payload),)
        if reader is None:
            return ()
        if self._started:
            return reader(self, event)
        self._started = True
        return [Started(text_of(event.get("id")), ""), *reader(self, event)]

    def _begin(self, event: Fields) -> Sequence[Event]:
        return ()

    def _content(self, event: Fields) -> Sequence[Event]:
        content, index = object_of(_message(event).get("content")), _index(event)
        if text := text_of(content.get("text")):
            return self._parts.text(index, text, _likely(event.get("logprobs")))
        return self._parts.thinking(index, text_of(content.get("thinking")))

    def _content_end(self, event: Fields) -> Sequence[Event]:
        return self._parts.close(("thinking", _index(event)))

    def _plan(self, event: Fields) -> Sequence[Event]:
        return self._parts.plan(text_of(_message(event).get("tool_plan")))

    def _call(self, event: Fields) -> Sequence[Event]:
        call = _one(_message(event).get("tool_calls"))
        function = object_of(call.get("function"))
        begun = raw_arguments(function["arguments"]) if function.get("arguments") else ""
        return self._parts.call(_index(event), text_of(call.get("id")), text_of(function.get("name")), begun)

    def _arguments(self, event: Fields) -> Sequence[Event]:
        function = object_of(_one(_message(event).get("tool_calls")).get("function"))
        return self._parts.arguments(_index(event), text_of(function.get("arguments")))

    def _call_end(self, event: Fields) -> Sequence[Event]:
        return self._parts.close(("call", _index(event)))

    def _cite(self, event: Fields) -> Sequence[Event]:
        found = _message(event).get("citations")
        return [told for each in (found if isinstance(found, list) else [found]) for told in self._parts.cite(object_of(each))]  # fmt: skip  # noqa: E501

    def _ended(self, event: Fields) -> Sequence[Event]:
        self._over = True
        delta = object_of(event.get("delta"))
        if is_broken(delta.get("finish_reason")):
            return (Failed(error_of(delta)),)
        closed = self._parts.close_all()
        reason = end_of(delta.get("finish_reason"), self._parts.called)
        return [*closed, Ended(reason, usage=from_cohere(delta.get("usage")))]


def _message(event: Fields) -> Fields:
    return object_of(object_of(event.get("delta")).get("message"))


def _one(found: Any) -> Fields:
    """Return a call: `tool_calls` of a stream is one, not a list."""
    return object_of(found[0]) if isinstance(found, list) and found else object_of(found)


def _index(event: Fields) -> int:
    found = event.get("index")
    return found if type(found) is int else 0


def _likely(found: Any) -> Any:
    return (logprobs_of(found) or None) if found else None


_READERS: dict[str, Callable[[CohereStreamReader, Fields], Sequence[Event]]] = {
    "message-start": CohereStreamReader._begin,
    "content-start": CohereStreamReader._content,
    "content-delta": CohereStreamReader._content,
    "content-end": CohereStreamReader._content_end,
    "tool-plan-delta": CohereStreamReader._plan,
    "tool-call-start": CohereStreamReader._call,
    "tool-call-delta": CohereStreamReader._arguments,
    "tool-call-end": CohereStreamReader._call_end,
    "citation-start": CohereStreamReader._cite,
    "message-end": CohereStreamReader._ended,
}
