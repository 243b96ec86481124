"""Sampling, reasoning and the answer's form: partly Converse's own, partly the model's own members.

Source: docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html and docs.aws.amazon.com/nova.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, Reasoning
from gateway.translation.converse.names import STOP_SEQUENCE
from gateway.translation.converse.turns_writer import Message
from gateway.translation.messages.thinking import write_reasoning

_TOP_K: dict[str | None, tuple[str, ...]] = {
    "claude": ("top_k",),
    "nova": ("inferenceConfig", "topK"),
    "mistral": ("top_k",),
    "command": ("k",),
}
"""Path of the model's own member for `top_k`."""
_BUDGETED_ANSWER = 8192
_NOVA_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}
_NOVA_BUDGETS = ((4096, "low"), (16384, "medium"))
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
_TIERS = ("default", "flex", "priority", "reserved")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_MOST_METADATA = 16
_DROPPED = ("frequency_penalty", "presence_penalty", "seed")
_CLAUDE = "claude"


def write_settings(conversation: Conversation, messages: Sequence[Message], writing: Writing) -> Fields:
    """Return all settings of a request, the empty ones among them."""
    inference, extra = _inference(conversation, writing), _own_members(conversation, messages, writing)
    if (extra.get("reasoningConfig") or {}).get("maxReasoningEffort") == "high":
        for name, ours in (("maxTokens", "max_tokens"), ("temperature", "temperature"), ("topP", "top_p")):
            if inference.pop(name, None) is not None:  # refused beside the highest effort
                writing.drop(ours)
    told = [STOP_SEQUENCE] if conversation.stop and writing.profile.family == _CLAUDE else []
    _note_others(conversation, writing)
    return {
        "inferenceConfig": inference,
        "additionalModelRequestFields": extra,
        "additionalModelResponseFieldPaths": told,
        "outputConfig": _output(conversation, writing),
        "requestMetadata": _metadata(conversation, writing),
        "serviceTier": _tier(conversation, writing),
    }


def _inference(conversation: Conversation, writing: Writing) -> Fields:
    sampling = conversation.sampling
    stop = [each for each in conversation.stop if each.strip()]
    if len(stop) < len(conversation.stop):
        writing.drop("stop")
    found = {
        "maxTokens": conversation.max_tokens,
        "temperature": _at_most_1(sampling.temperature, "temperature", writing),
        "topP": _at_most_1(sampling.top_p, "top_p", writing),
        "stopSequences": stop or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _at_most_1(value: float | None, name: str, writing: Writing) -> float | None:
    if value is None or value <= 1:
        return value
    writing.drop(name)
    return 1


def _own_members(conversation: Conversation, messages: Sequence[Message], writing: Writing) -> Fields:
    """Return the members that only the model itself knows."""
    fields: Fields = {}
    top_k, at = conversation.sampling.top_k, _TOP_K.get(writing.profile.family)
    if top_k is not None and at is None:
        writing.drop("top_k")
    elif top_k is not None and at is not None:
        inner: Any = top_k
        for name in reversed(at):
            inner = {name: inner}
        fields |= inner
    return fields | _reasoning(conversation, messages, writing)


def _reasoning(conversation: Conversation, messages: Sequence[Message], writing: Writing) -> Fields:
    reasoning, family = conversation.reasoning, writing.profile.family
    if reasoning.mode is None and reasoning.effort is None:
        return {}
    if family == _CLAUDE:
        return _of_claude(conversation, messages, writing)
    if family == "nova":
        return _of_nova(reasoning)
    if family == "gpt-oss" and reasoning.effort in ("low", "medium", "high"):
        return {"reasoning_effort": reasoning.effort}
    if family == "qwen" and reasoning.effort not in (None, "none") and reasoning.mode != "off":
        return {"reasoning_config": "low" if reasoning.effort in ("minimal", "low") else "high"}
    if reasoning.mode != "off" and reasoning.effort != "none":
        writing.drop("reasoning")
    return {}


def _of_claude(conversation: Conversation, messages: Sequence[Message], writing: Writing) -> Fields:
    most = conversation.max_tokens or writing.profile.max_output_tokens or _BUDGETED_ANSWER
    thinking, effort = write_reasoning(conversation.reasoning, most, (), writing)
    if thinking and thinking.get("type") == "enabled" and _calls_without_reasoning(messages):
        writing.drop("reasoning")
        thinking = None
    found: Fields = {"thinking": thinking} if thinking else {}
    return found | ({"output_config": {"effort": effort}} if effort else {})


def _calls_without_reasoning(messages: Sequence[Message]) -> bool:
    """Return whether the last message answers calls that no reasoning led to; a budget of it is refused there."""
    if len(messages) < 2 or not any("toolResult" in block for block, _ in messages[-1][1]):
        return False
    role, asked = messages[-2]
    return role == "assistant" and "reasoningContent" not in asked[0][0]


def _of_nova(reasoning: Reasoning) -> Fields:
    if reasoning.mode == "off" or reasoning.effort == "none":
        return {"reasoningConfig": {"type": "disabled"}}
    effort = reasoning.effort
    if effort is None:
        budget = reasoning.budget or _NOVA_BUDGETS[-1][0]
        effort = next((name for most, name in _NOVA_BUDGETS if budget <= most), "high")
    return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _NOVA_EFFORTS.get(effort, effort)}}


def _output(conversation: Conversation, writing: Writing) -> Fields:
    """Return the form of the answer, whose schema goes as a text."""
    output = conversation.output
    if output is None:
        return {}
    if output.schema is None:
        writing.drop("response_format")
        return {}
    schema: Fields = {"schema": json.dumps(output.schema, ensure_ascii=False, separators=(",", ":"))}
    if output.name and (name := _NOT_IN_A_NAME.sub("_", output.name)[:64]):
        schema["name"] = name
    if output.description:
        schema["description"] = output.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _metadata(conversation: Conversation, writing: Writing) -> Fields:
    """Return what is to stand in the logs of Bedrock, as far as its letters are allowed there."""
    found = conversation.metadata or {}
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    kept = [each for each in texts.items() if each[0] and all(_METADATA.fullmatch(text) for text in each)]
    if len(kept) < len(found) or len(kept) > _MOST_METADATA:
        writing.drop("metadata")
    return dict(kept[:_MOST_METADATA])


def _tier(conversation: Conversation, writing: Writing) -> Fields | None:
    tier = conversation.service_tier
    if tier in _TIERS:
        return {"type": tier}
    if tier not in (None, "auto"):
        writing.drop("service_tier")
    return None


def _note_others(conversation: Conversation, writing: Writing) -> None:
    for name in ("logprobs", "verbosity"):
        if getattr(conversation, name) is not None:
            writing.drop(name)
    for name in _DROPPED:
        if getattr(conversation.sampling, name):
            writing.drop(name)
