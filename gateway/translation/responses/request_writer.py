"""A conversation as a request for an upstream of Responses, which keeps nothing of it."""

from collections.abc import Iterator
from typing import Any

from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, OutputFormat, Turn
from gateway.translation.parts import Text
from gateway.translation.responses.item_writer import items_of
from gateway.translation.responses.names import RESPONSES, responses_own
from gateway.translation.responses.tool_writer import choice_of, tools_of

Fields = dict[str, Any]

_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
_EFFORTS = {"on": "medium", "adaptive": None, "off": "none"}
_BUDGETS = ((0, "none"), (1024, "minimal"), (4096, "low"), (12_000, "medium"), (32_000, "high"))
"""Budgets of thinking in tokens, and the highest effort that fits each."""
_MOST = "xhigh"


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the upstream's request. What it cannot take is noted in `writing`."""
    fields = {
        "model": conversation.model,
        "instructions": _instructions(conversation),
        "input": list(_input(conversation, writing)),
        "tools": tools_of(conversation, writing) or None,
        "tool_choice": choice_of(conversation),
        "parallel_tool_calls": conversation.parallel_calls if conversation.tools else None,
        "text": _text(conversation),
        "reasoning": _reasoning(conversation, writing),
        "max_output_tokens": conversation.max_tokens,
        "temperature": conversation.sampling.temperature,
        "top_p": conversation.sampling.top_p,
        "top_logprobs": conversation.logprobs,
        "include": _include(conversation),
        "store": responses_own(conversation.own).get("store", False),
        "stream": conversation.stream or None,
        "metadata": _metadata(conversation, writing),
        "safety_identifier": conversation.person,
        "service_tier": conversation.service_tier,
        "prompt_cache_key": conversation.cache_key,
    }
    _drop_unknown(conversation, writing)
    own = responses_own(conversation.own)
    return {name: found for name, found in fields.items() if found is not None} | {
        name: found for name, found in own.items() if name not in ("text", "reasoning", "include", "store")
    }


def _is_instruction(turn: Turn) -> bool:
    return turn.role in ("system", "developer") and RESPONSES not in turn.own


def _instructions(conversation: Conversation) -> str | None:
    """Return the system's words at the beginning."""
    texts: list[str] = []
    for turn in conversation.turns:
        if not _is_instruction(turn):
            break
        texts += [part.text for part in turn.parts if isinstance(part, Text)]
    return "\n\n".join(texts) or None


def _input(conversation: Conversation, writing: Writing) -> Iterator[Fields]:
    begun = False
    for turn in conversation.turns:
        begun = begun or not _is_instruction(turn)
        if begun:
            yield from items_of(turn, writing)


def _text(conversation: Conversation) -> Fields | None:
    kept = responses_own(conversation.own).get("text")
    fields = {name: found for name, found in kept.items() if name != "format"} if isinstance(kept, dict) else {}
    if conversation.output:
        fields["format"] = _format(conversation.output)
    if conversation.verbosity:
        fields["verbosity"] = conversation.verbosity
    return fields or None


def _format(output: OutputFormat) -> Fields:
    if output.schema is None:
        return {"type": "json_object"}
    fields = {
        "type": "json_schema",
        "name": output.name or "answer",
        "description": output.description,
        "schema": output.schema,
        "strict": output.strict,
    }
    return {name: found for name, found in fields.items() if found is not None}


def _reasoning(conversation: Conversation, writing: Writing) -> Fields | None:
    asked = conversation.reasoning
    kept = responses_own(conversation.own).get("reasoning")
    fields = dict(kept) if isinstance(kept, dict) else {}
    effort = asked.effort or _effort(asked.budget) or _EFFORTS.get(asked.mode or "")
    if effort and writing.profile.efforts and effort not in writing.profile.efforts:
        effort = None if effort in ("none", "minimal") else writing.profile.efforts[-1]
    if effort:
        fields["effort"] = effort
    if asked.summary:
        fields["summary"] = asked.summary
    elif asked.mode in ("on", "adaptive"):
        fields["summary"] = "auto"
    return fields or None


def _effort(budget: int | None) -> str | None:
    if budget is None:
        return None
    return next((effort for most, effort in _BUDGETS if budget <= most), _MOST)


def _include(conversation: Conversation) -> list[str] | None:
    """Return what is asked for beside the answer: reasoning in a form that may be sent back, as nothing is stored."""
    kept = responses_own(conversation.own).get("include")
    include = [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []
    if not responses_own(conversation.own).get("store", False) and _ENCRYPTED not in include:
        include.append(_ENCRYPTED)
    if conversation.logprobs is not None and _LOGPROBS not in include:
        include.append(_LOGPROBS)
    return include or None


def _metadata(conversation: Conversation, writing: Writing) -> Fields | None:
    """Return the metadata that this dialect takes: sixteen texts."""
    found = conversation.metadata or {}
    kept = {name: value for name, value in found.items() if isinstance(value, str)}
    for name in found:
        if name not in kept:
            writing.drop(f"metadata.{name[:64]}")
    return dict(list(kept.items())[:16]) or None


def _drop_unknown(conversation: Conversation, writing: Writing) -> None:
    sampling = conversation.sampling
    for name in ("top_k", "frequency_penalty", "presence_penalty", "seed"):
        if getattr(sampling, name) is not None:
            writing.drop(name)
    if conversation.stop:
        writing.drop("stop")
