"""Words of Gemini's generateContent and what they mean in the canonical form."""

from gateway.translation.answer import EndReason

DIALECT = "gemini"

_FILTERED = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
)
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
ENDS: dict[str, EndReason] = {"MAX_TOKENS": "length", **dict.fromkeys(_FILTERED, "content_filter")}
"""All other reasons are the model's own end."""
FINISH_REASONS: dict[EndReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
    "pause": "STOP",
}


def reason_of(found: object) -> str | None:
    """Return the name of a reason for the end, which may be a number; None where it is none."""
    if isinstance(found, str):
        return found or None
    return _NAMES.get(found) if type(found) is int and found else None


def end_of(reason: str | None, called: bool) -> EndReason:
    """Return how an answer ended."""
    return ENDS.get(reason or "") or ("tool_calls" if called else "stop")
