"""A stream of generateContent answers, passed on to clients of the same dialect, and what its members mean."""

from typing import Any

from msgspec import Raw, Struct

from gateway import lenient
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import FINISHED, OPENED, WAITING
from gateway.dialects.usage import from_gemini

_NUMBERED = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
)
"""Reasons by their numbers, which servers write that were asked for numbers in place of names."""
_NAMES: dict[object, str] = dict(enumerate(_NUMBERED))

BROKEN = frozenset(
    ("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE")
)
"""Reasons of answers that are none: the model wrote what cannot be read."""


class _Bare(Struct, gc=False):
    error: Raw = NOTHING
    usageMetadata: Raw = NOTHING
    candidates: Any = None
    promptFeedback: Raw = NOTHING


class GeminiRelay(PassThrough):
    """Counts grow from chunk to chunk; a finish reason is the end, then the connection closes."""

    shapes = (_Bare,)

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._counts: dict[str, Any] = {}

    def name_of(self, fields: _Bare) -> Any:
        return None

    def read(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        if lenient.says(fields.error):
            return self.failed(payload, event)
        for text in _texts(fields.candidates):
            self.wrote(text)
        merge_counts(self._counts, lenient.value(fields.usageMetadata))
        self.usage = from_gemini(self._counts)
        if self.state is WAITING and fields.candidates:
            self.state = OPENED
        if lenient.says(fields.promptFeedback) or any(_ended(each) for each in objects(fields.candidates)):
            self.state = FINISHED
        return event


def objects(found: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else has none."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _ended(candidate: dict[str, Any]) -> bool:
    return bool(candidate.get("finishReason"))


def _texts(candidates: Any) -> list[str]:
    contents = [each.get("content") for each in objects(candidates)]
    parts = [part for each in contents if isinstance(each, dict) for part in objects(each.get("parts"))]
    return [part["text"] for part in parts if isinstance(part.get("text"), str) and part["text"]]


def merge_counts(counts: dict[str, Any], found: Any) -> None:
    """Put later counts of a stream, which are cumulative, into those that came before."""
    if isinstance(found, dict):
        counts.update({name: count for name, count in found.items() if count is not None})


def reason_of(found: object) -> str | None:
    """Return the name of a reason for the end, which may be a number; None where it is none."""
    if isinstance(found, str):
        return found or None
    return _NAMES.get(found) if type(found) is int and found else None
