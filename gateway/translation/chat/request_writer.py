"""A conversation as an upstream's request for Chat Completions."""

from typing import Any

from gateway.translation.chat.message_writer import MessageWriter
from gateway.translation.chat.names import CHAT, cache_control, chat_own
from gateway.translation.chat.tool_writer import write_choice, write_tools
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, OutputFormat, Reasoning

Fields = dict[str, Any]

_TIERS = {"standard_only": "default", "standard": "default"}
"""Words of Messages for tiers of service."""
_EFFORT_BUDGETS = ((2048, "low"), (8192, "medium"))
"""The largest budgets of tokens that an effort stands for; beyond them it is high."""


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the request's members in one fixed order. Raises `InvalidRequest` for what cannot be carried."""
    fields: Fields = {"model": conversation.model, "messages": MessageWriter(writing).write(conversation.turns)}
    fields.update(_tools(conversation, writing))
    fields.update(_settings(conversation, writing))
    fields.update(_rest(conversation, writing))
    for name in sorted(writing.profile.refused & fields.keys()):
        del fields[name]
        writing.drop(name)
    return fields


def _tools(conversation: Conversation, writing: Writing) -> Fields:
    """Return what concerns tools; without any, nothing may be said of them."""
    tools = write_tools(conversation.tools, writing)
    if not tools:
        return {}
    fields: Fields = {"tools": tools}
    if conversation.tool_choice:
        fields["tool_choice"] = write_choice(conversation.tool_choice, conversation.tools)
    if conversation.parallel_calls is not None:
        fields["parallel_tool_calls"] = conversation.parallel_calls
    return fields


def _settings(conversation: Conversation, writing: Writing) -> Fields:
    sampling = conversation.sampling
    settings = {
        "response_format": _output(conversation.output),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "verbosity": conversation.verbosity,
        writing.profile.max_tokens_member: conversation.max_tokens,
        "stop": _stops(conversation, writing) or None,
        "stream": conversation.stream or None,
        "logprobs": None if conversation.logprobs is None else True,
        "top_logprobs": conversation.logprobs or None,
        "safety_identifier": conversation.person,
        "service_tier": _TIERS.get(conversation.service_tier or "", conversation.service_tier),
        "prompt_cache_key": conversation.cache_key,
        "cache_control": _mark(conversation, writing),
        **_reasoning(conversation, writing),
    }
    return {name: found for name, found in settings.items() if found is not None}


def _stops(conversation: Conversation, writing: Writing) -> list[str]:
    most = writing.profile.most_stops
    if most is not None and len(conversation.stop) > most:
        writing.drop("stop")
    return list(conversation.stop[:most])


def _mark(conversation: Conversation, writing: Writing) -> Fields | None:
    return cache_control(conversation.cache) if conversation.cache and writing.profile.cache_marks else None


def _output(output: OutputFormat | None) -> Fields | None:
    if output is None:
        return None
    if output.schema is None:
        return {"type": "json_object"}
    said = {
        "name": output.name or "answer",
        "description": output.description,
        "schema": output.schema,
        "strict": output.strict,
    }
    return {"type": "json_schema", "json_schema": {name: found for name, found in said.items() if found is not None}}


def _reasoning(conversation: Conversation, writing: Writing) -> Fields:
    """Return how much the model is to reason: the client's own words where they are of this dialect."""
    reasoning, own = conversation.reasoning, chat_own(conversation.own)
    asked = own.get("reasoning")
    if isinstance(asked, dict) and asked.get("effort") == reasoning.effort:
        return {}
    if CHAT in conversation.own:
        return {"reasoning_effort": reasoning.effort}
    return _switch(reasoning, writing) if writing.profile.thinking_switch else _effort(reasoning, writing)


def _effort(reasoning: Reasoning, writing: Writing) -> Fields:
    if reasoning.effort is not None:
        return {"reasoning_effort": reasoning.effort}
    if reasoning.mode == "off":
        return {"reasoning_effort": "none"} if "none" in (writing.profile.efforts or ()) else {}
    budget = reasoning.budget
    if budget is None:
        return {}
    return {"reasoning_effort": next((effort for most, effort in _EFFORT_BUDGETS if budget <= most), "high")}


def _switch(reasoning: Reasoning, writing: Writing) -> Fields:
    """Return the switch of models that know no effort; nothing where the client said nothing."""
    asked = reasoning.effort or reasoning.mode or reasoning.budget
    if asked is None:
        return {}
    on = reasoning.effort not in ("none", None) or reasoning.mode in ("on", "adaptive") or bool(reasoning.budget)
    switch = writing.profile.thinking_switch or ""
    if switch == "type":
        return {"thinking": {"type": "enabled" if on else "disabled"}}
    if switch == "flag":
        return {"enable_thinking": on}
    return {"chat_template_kwargs": {switch.removeprefix("template:"): on}}


def _rest(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members that only this dialect knows, and metadata, which OpenAI takes only beside `store`."""
    fields = dict(chat_own(conversation.own))
    if conversation.metadata is not None:
        if CHAT in conversation.own:
            fields["metadata"] = conversation.metadata
        else:
            writing.drop("metadata")
    return fields
