"""Reads what upstreams answer to a gap, whole or event by event, as pieces of text."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway import lenient
from gateway.dialects.passthrough import NOTHING
from gateway.dialects.usage import Usage, from_chat, from_infill
from gateway.wire import Members


class Piece(Struct, frozen=True, gc=False):
    """A part of one completion."""

    text: str = ""
    finish: str | None = None
    """OpenAI's finish reason, where the completion is finished: `stop` or `length`."""
    index: int = 0
    """Which of several completions it belongs to."""


class Read(Struct, frozen=True):
    """What an event, or a whole answer, says."""

    pieces: list[Piece]
    usage: Usage | None = None
    failed: bool = False


Reader = Callable[[bytes], Read | None]
"""Reads an event's data; None where it is none of this dialect."""


class _Delta(Struct, gc=False):
    content: Any = None


class _Choice(Struct, gc=False):
    index: int = 0
    text: Any = None
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: Any = None


class _Chunk(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Raw = NOTHING
    error: Raw = NOTHING
    object: Any = None


class _Infill(Struct, gc=False):
    content: Any = None
    stop: Any = None
    stop_type: Any = None
    stopped_limit: Any = None
    index: int = 0
    error: Raw = NOTHING


_chunk = msgspec.json.Decoder(_Chunk).decode
_infill = msgspec.json.Decoder(_Infill).decode


def read_choices(payload: bytes) -> Read | None:
    """Read a chunk, or a whole answer, of Completions or of Mistral's fill-in-the-middle."""
    chunk = _decoded(_chunk, payload)
    if chunk is None:
        return None
    if chunk.object == "error" or lenient.says(_there(chunk.error)):
        return Read([], failed=True)
    usage = None if chunk.usage is NOTHING else from_chat(lenient.value(chunk.usage))
    return Read([_piece(choice) for choice in chunk.choices or ()], usage)


def read_infill_event(payload: bytes) -> Read | None:
    """Read an event of llama.cpp's infill; the last one says `stop` and counts."""
    event = _decoded(_infill, payload)
    if event is None:
        return None
    if lenient.says(_there(event.error)):
        return Read([], failed=True)
    finish = finish_of(event.stop_type, event.stopped_limit) if event.stop is True else None
    usage = from_infill(lenient.members(payload)) if finish else None
    return Read([Piece(_text(event.content), finish, event.index)], usage)


def read_whole_infill(payload: bytes) -> Read | None:
    """Read a whole answer of infill, which is finished whatever it says."""
    event = _decoded(_infill, payload)
    if event is None:
        return None
    return Read([Piece(_text(event.content), finish_of(event.stop_type, event.stopped_limit))])


def finish_of(stop_type: Any, stopped_limit: Any) -> str:
    """Return OpenAI's finish reason for llama.cpp's: newer servers write `stop_type`, older ones three flags."""
    return "length" if stop_type == "limit" or stopped_limit is True else "stop"


def encoded(answer: Members) -> bytes:
    return msgspec.json.encode(answer)


def _piece(choice: _Choice) -> Piece:
    part = choice.delta or choice.message
    text = choice.text if part is None else part.content
    reason = choice.finish_reason
    finish = reason if isinstance(reason, str) and reason.strip() not in ("", "null") else None
    return Piece(_text(text), finish, choice.index)


def _text(found: Any) -> str:
    """Return a text; of a list of parts, as Mistral may send, their texts."""
    if isinstance(found, list):
        return "".join(_text(part.get("text")) for part in found if isinstance(part, dict))
    return found if isinstance(found, str) else ""


def _there(raw: Raw) -> Raw | None:
    return None if raw is NOTHING else raw


def _decoded(decode: Callable[[bytes], Any], payload: bytes) -> Any:
    """Decode strictly, then what careless servers write: half an emoji, `NaN`."""
    try:
        return decode(payload)
    except lenient.UNREADABLE:
        pass
    try:
        return decode(lenient.readable(payload))
    except lenient.UNREADABLE:
        return None
