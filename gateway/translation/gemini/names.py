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


def end_of(reason: str | None, called: bool) -> EndReason:
    """Return how an answer ended."""
    return ENDS.get(reason or "") or ("tool_calls" if called else "stop")
