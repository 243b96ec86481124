"""A conversation into a Messages request, always the same bytes for the same conversation.

Source: platform.claude.com/docs/en/api/messages, versions 2023-06-01 and 2026-10-21.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, CustomTool, FunctionTool, ServerTool, Tool, ToolChoice
from gateway.translation.messages.names import DIALECT, REQUEST_TIERS
from gateway.translation.messages.own import kept, with_own
from gateway.translation.messages.thinking import write_reasoning
from gateway.translation.messages.turns_writer import write_turns

MAX_TOKENS = 8192
"""Limits an answer where neither the client nor the profile does, as Messages demands a limit."""
MOST_CACHE_MARKS = 4
_CHOICES = {"auto": "auto", "required": "any", "named": "tool", "none": "none"}
_TIERS = {ours: theirs for theirs, ours in REQUEST_TIERS.items()} | {"auto": "auto"}
_INNER = ("metadata", "output_config", "thinking")
_NUMBERS = (int, float)
_DROPPED = ("frequency_penalty", "presence_penalty", "seed")


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members of a request; `writing` notes what could not be carried."""
    own = kept(conversation.own)
    limit = conversation.max_tokens
    max_tokens = limit if limit is not None else writing.profile.max_output_tokens or MAX_TOKENS
    system, messages = write_turns(conversation.turns, writing)
    thinking, effort = write_reasoning(conversation.reasoning, max_tokens, messages, writing)
    tools = [_tool(each) for each in _allowed(conversation, writing)]
    fields: Fields = {
        "model": conversation.model,
        "max_tokens": max_tokens,
        "system": system,
        "tools": tools,
        "tool_choice": _tool_choice(conversation, tools),
        "messages": messages,
        "thinking": {**(thinking or {}), **own.get("thinking", {})},
        "output_config": {**_output_config(conversation, effort, writing), **own.get("output_config", {})},
        **_sampling(conversation, writing),
        "stop_sequences": _stop(conversation, writing),
        "metadata": {**({"user_id": conversation.person} if conversation.person else {}), **own.get("metadata", {})},
        "service_tier": _tier(conversation, writing),
        "stream": conversation.stream,
    }
    _note_others(conversation, writing)
    found = {name: value for name, value in fields.items() if value or type(value) in _NUMBERS}
    found["messages"] = messages
    fields = with_own(found, conversation.own, conversation.cache, _INNER)
    _limit_cache_marks(fields, system, tools, messages, writing)
    return fields


def _allowed(conversation: Conversation, writing: Writing) -> Iterator[Tool]:
    choice = conversation.tool_choice
    for tool in conversation.tools:
        if isinstance(tool, ServerTool):
            if tool.dialect == DIALECT:
                yield tool
            else:
                writing.drop(f"tools.{tool.content.get('type')}")
        elif isinstance(tool, CustomTool):
            writing.drop(f"tools.{tool.name}")
        elif choice is None or choice.allowed is None or tool.name in choice.allowed:
            yield tool


def _tool(tool: Tool) -> Fields:
    if not isinstance(tool, FunctionTool):
        return dict(getattr(tool, "content", {}))
    fields: Fields = {"name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    schema = dict(tool.schema or {})
    fields["input_schema"] = schema if "type" in schema else {"type": "object", **(schema or {"properties": {}})}
    if tool.strict:
        fields["strict"] = True
    return with_own(fields, tool.own, tool.cache)


def _tool_choice(conversation: Conversation, tools: list[Fields]) -> Fields | None:
    """Return the choice, which may stand only beside tools; it also says that tools are called one by one."""
    single = conversation.parallel_calls is False
    choice = conversation.tool_choice or (ToolChoice() if single else None)
    if choice is None or not tools:
        return None
    fields: Fields = {"type": _CHOICES[choice.mode]}
    if choice.mode == "named":
        fields["name"] = choice.name
    if single and choice.mode != "none":
        fields["disable_parallel_tool_use"] = True
    return fields


def _output_config(conversation: Conversation, effort: str | None, writing: Writing) -> Fields:
    fields: Fields = {} if effort is None else {"effort": effort}
    output = conversation.output
    if output is not None and output.schema is not None:
        fields["format"] = {"type": "json_schema", "schema": output.schema}
    elif output is not None:
        writing.drop("response_format")
    return fields


def _sampling(conversation: Conversation, writing: Writing) -> Fields:
    """Return the sampling that there is; a temperature goes no higher than 1."""
    sampling = conversation.sampling
    temperature = sampling.temperature
    if temperature is not None and temperature > 1:
        writing.drop("temperature")
        temperature = 1
    for name in _DROPPED:
        if getattr(sampling, name):
            writing.drop(name)
    found = {"temperature": temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    return {name: value for name, value in found.items() if value is not None}


def _stop(conversation: Conversation, writing: Writing) -> list[str]:
    """Return the stop sequences; those of nothing but space are refused."""
    found = [each for each in conversation.stop if each.strip()]
    if len(found) < len(conversation.stop):
        writing.drop("stop")
    return found


def _tier(conversation: Conversation, writing: Writing) -> str | None:
    tier = conversation.service_tier
    if tier is not None and tier not in _TIERS:
        writing.drop("service_tier")
    return _TIERS.get(tier or "")


def _note_others(conversation: Conversation, writing: Writing) -> None:
    for name in ("logprobs", "metadata", "verbosity"):
        if getattr(conversation, name) is not None:
            writing.drop(name)


def _limit_cache_marks(
    fields: Fields, system: list[Fields], tools: list[Fields], messages: list[Fields], writing: Writing
) -> None:
    """Keep the last marks of the prompt, in the order in which the upstream reads it: tools, system, messages."""
    blocks: Iterable[Any] = (block for message in messages for block in message["content"])
    marked = [each for each in (*tools, *system, *_nested(blocks)) if "cache_control" in each]
    most = MOST_CACHE_MARKS - ("cache_control" in fields)
    for block in marked[: max(len(marked) - most, 0)]:
        writing.drop("cache_control")
        del block["cache_control"]


def _nested(blocks: Iterable[Fields]) -> Iterator[Fields]:
    """Yield blocks, those within a result before it."""
    for block in blocks:
        if block.get("type") == "tool_result":
            yield from block.get("content", ())
        yield block
