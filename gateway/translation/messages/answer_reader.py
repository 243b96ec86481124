"""A whole Messages answer into the canonical form, with tolerance of whatever an upstream sends."""

from collections.abc import Callable
from typing import Any

from gateway.dialects.usage import from_messages
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.answer import Answer, EndReason
from gateway.translation.checks import Fields
from gateway.translation.messages.arguments import arguments_of
from gateway.translation.messages.citations import read_citation
from gateway.translation.messages.names import ANSWER_TIERS, DIALECT, ENDS
from gateway.translation.messages.own import own_of, without
from gateway.translation.parts import Citation, Foreign, Own, Part, Text, Thinking, ToolCall

_KNOWN = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
_COUNTED = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens_details",
    "service_tier",
)
"""Members of `usage` that have a canonical place."""


def read_answer(fields: Fields, profile: Profile) -> Answer:
    """Read an answer. Never raises."""
    usage, content = object_of(fields.get("usage")), fields.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    parts = tuple(part_of(each) for each in blocks if is_block(each)) if isinstance(blocks, list) else ()
    return Answer(
        id=text_of(fields.get("id")),
        model=text_of(fields.get("model")),
        parts=parts,
        end=end_of(fields.get("stop_reason"), any(isinstance(part, ToolCall) for part in parts)),
        stop_sequence=text_of(fields.get("stop_sequence")) or None,
        usage=from_messages(usage),
        service_tier=tier_of(usage),
        own=answer_own(fields, usage),
    )


def end_of(reason: Any, called: bool) -> EndReason:
    """Return how an answer ended; one of a reason that is not known ended with its calls, or by itself."""
    return (ENDS.get(reason) if isinstance(reason, str) else None) or ("tool_calls" if called else "stop")


def tier_of(usage: Fields) -> str | None:
    tier = text_of(usage.get("service_tier"))
    return ANSWER_TIERS.get(tier, tier) or None


def answer_own(fields: Fields, usage: Fields) -> Own:
    """Return what only Messages knows of an answer: counts of its own, and a reason for which others have no name."""
    reason = fields.get("stop_reason")
    named = reason if reason == "model_context_window_exceeded" else None
    return own_of(fields, _KNOWN, usage=without(usage, _COUNTED), stop_reason=named)


def is_block(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("type"), str)


def part_of(block: Fields) -> Part:
    """Return the part that a block is; a block of a type that is not known is kept as it is."""
    reader = _READERS.get(block["type"])
    return reader(block) if reader else Foreign(dialect=DIALECT, content=block)


def _text(block: Fields) -> Part:
    citations = block.get("citations")
    found = [each for each in citations if isinstance(each, dict)] if isinstance(citations, list) else []
    own = own_of(block, ("type", "text", "citations"))
    return Text(text=text_of(block.get("text")), citations=citations_of(found), own=own)


def citations_of(found: list[Fields]) -> tuple[Citation, ...]:
    return tuple(read_citation(each) for each in found)


def _call(block: Fields) -> Part:
    return ToolCall(
        id=text_of(block.get("id")),
        name=text_of(block.get("name")),
        arguments=raw_arguments(block.get("input")),
        own=own_of(block, ("type", "id", "name", "input")),
    )


def raw_arguments(found: Any) -> str:
    """Return the arguments in a tool's input, which careless servers write as text."""
    if isinstance(found, str):
        return found or "{}"
    return "{}" if found is None else arguments_of(found)


def _thinking(block: Fields) -> Part:
    own = own_of(block, ("type", "thinking", "signature"))
    return sealed(text_of(block.get("thinking")), text_of(block.get("signature")), own)


def sealed(words: str, signature: str, own: Own) -> Thinking:
    """Return reasoning under its signature, which may be one that we wrapped, if the upstream is a gateway of ours."""
    return seals.unwrapped(signature, words) or Thinking(text=words, seal=signature or None, origin=DIALECT, own=own)


def _redacted(block: Fields) -> Part:
    data, own = text_of(block.get("data")), own_of(block, ("type", "data"))
    return seals.unwrapped(data, "") or Thinking(seal=data or None, redacted=True, origin=DIALECT, own=own)


def text_of(found: Any) -> str:
    """Return a text; anything else says nothing."""
    return found if isinstance(found, str) else ""


def object_of(found: Any) -> Fields:
    return found if isinstance(found, dict) else {}


_READERS: dict[str, Callable[[Fields], Part]] = {
    "text": _text,
    "tool_use": _call,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
