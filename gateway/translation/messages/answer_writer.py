"""A whole answer for a client of Messages."""

from typing import Any

from gateway.dialects.usage import Usage
from gateway.ids import request_id
from gateway.translation import seals
from gateway.translation.answer import Answer, EndReason
from gateway.translation.checks import Fields
from gateway.translation.messages.arguments import input_of
from gateway.translation.messages.citations import shown_citation
from gateway.translation.messages.names import ANSWER_TIERS, DIALECT, STOP_REASONS
from gateway.translation.messages.own import kept, with_own
from gateway.translation.parts import Audio, Foreign, Own, Part, Refusal, Text, Thinking, ToolCall

_TIERS = {ours: theirs for theirs, ours in ANSWER_TIERS.items()} | {"priority": "priority", "batch": "batch"}
_INNER = ("usage", "stop_reason")


def write_answer(answer: Answer, request: Fields) -> Fields:
    """Return the members of an answer."""
    content = [block for part in answer.parts if (block := block_of(part))]
    called = any(isinstance(part, ToolCall) for part in answer.parts)
    fields: Fields = {
        "id": id_of(answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": stop_reason(answer.end, called, answer.own),
        "stop_sequence": answer.stop_sequence,
        "usage": usage_of(answer.usage, answer.service_tier, answer.own),
    }
    return with_own(fields, answer.own, inner=_INNER)


def id_of(found: str) -> str:
    """Return the id of an answer; a new one where the upstream gave none."""
    return found or f"msg_{request_id()}"


def stop_reason(end: EndReason, called: bool, own: Own) -> str:
    """Return why an answer ended; what calls tools does not end by itself, whatever its upstream says."""
    found = kept(own).get("stop_reason")
    if isinstance(found, str):
        return found
    return "tool_use" if called and end == "stop" else STOP_REASONS[end]


def block_of(part: Part) -> Fields | None:
    """Return the block of a part; None where Messages has none for it, or nothing is in it."""
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, ToolCall):
        block: Fields = {"type": "tool_use", "id": part.id, "name": part.name, "input": input_of(part.arguments)}
        return with_own(block, part.own)
    if isinstance(part, Thinking):
        return thinking_block(part)
    if isinstance(part, Foreign):
        return dict(part.content) if part.dialect == DIALECT else None
    words = part.text if isinstance(part, Refusal) else part.transcript if isinstance(part, Audio) else None
    return {"type": "text", "text": words} if words else None


def _text(part: Text) -> Fields | None:
    block: Fields = {"type": "text", "text": part.text}
    if citations := [found for each in part.citations if (found := shown_citation(each))]:
        block["citations"] = citations
    return with_own(block, part.own) if part.text or citations else None


def thinking_block(part: Thinking) -> Fields:
    """Return reasoning under a signature by which it finds back to its upstream."""
    if part.redacted:
        return with_own({"type": "redacted_thinking", "data": signature_of(part)}, part.own)
    return with_own({"type": "thinking", "thinking": part.text, "signature": signature_of(part)}, part.own)


def signature_of(part: Thinking) -> str:
    return part.seal or "" if part.origin == DIALECT else seals.wrapped(part)


def usage_of(usage: Usage | None, tier: str | None, own: Own) -> Fields:
    """Return the counts of an answer, where what a cache read or wrote is no part of the input."""
    fields = counts_of(usage or Usage())
    extra: Any = kept(own).get("usage", {})
    if named := _TIERS.get(tier or ""):
        fields["service_tier"] = named
    return {**fields, **extra}


def counts_of(usage: Usage) -> Fields:
    """Return token counts; what is not known is 0, as both totals must be there."""
    read, written = usage.cached_input or 0, usage.cache_write or 0
    fields: Fields = {"input_tokens": max((usage.input or 0) - read - written, 0)}
    if usage.cache_write is not None:
        fields["cache_creation_input_tokens"] = written
    if usage.cached_input is not None:
        fields["cache_read_input_tokens"] = read
    fields["output_tokens"] = usage.output or 0
    if usage.reasoning is not None:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return fields
