"""Words of Cohere's Chat and what they mean in the canonical form.

Source: docs.cohere.com/reference/chat and docs.cohere.com/reference/chat-stream.
"""

from collections.abc import Mapping
from typing import Any

from gateway.translation.answer import EndReason

DIALECT = "cohere"

ENDS: Mapping[object, EndReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
THOUGHT, PLAN = "thinking", "tool_plan"
"""Seals of reasoning: where in a message it stood, and has to stand again. Cohere signs nothing."""
MOST_STOPS = 5
MOST_TOP_K = 500
LEAST_TOP_P, MOST_TOP_P = 0.01, 0.99
LARGEST_SEED = 2**63 - 1

CARRIED: Mapping[str, type | tuple[type, ...]] = {
    "documents": list,
    "citation_options": dict,
    "safety_mode": str,
    "strict_tools": bool,
    "priority": int,
}
"""Members of Cohere that clients of other dialects may send as they are, with their types."""


def end_of(reason: Any, called: bool) -> EndReason:
    """Return how an answer ended; one of a reason that is not known ended with its calls, or by itself."""
    return (ENDS.get(reason) if isinstance(reason, str) else None) or ("tool_calls" if called else "stop")
