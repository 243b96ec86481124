"""A Messages request into a conversation.

Source: platform.claude.com/docs/en/api/messages, versions 2023-06-01 and 2026-10-21.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.translation import checks as read
from gateway.translation.codec import Fields
from gateway.translation.conversation import (
    Conversation,
    FunctionTool,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
    Turn,
)
from gateway.translation.messages.blocks_reader import ALLOWED, read_content
from gateway.translation.messages.names import DIALECT, REQUEST, REQUEST_TIERS
from gateway.translation.messages.own import own_of, read_cache, without
from gateway.translation.parts import Own, Part, ToolResult

_TOOL = frozenset(("type", "name", "description", "input_schema", "strict", "cache_control"))
_CHOICES: Mapping[object, Any] = {"auto": "auto", "any": "required", "tool": "named", "none": "none"}
_THINKING: Mapping[object, Any] = {"enabled": "on", "adaptive": "adaptive", "disabled": "off"}


def read_request(fields: Fields) -> Conversation:
    """Read a request. Raises `InvalidRequest` naming the member at fault."""
    choice, parallel = _tool_choice(fields)
    config, thinking = read.object_(fields, "output_config") or {}, read.object_(fields, "thinking") or {}
    return Conversation(
        model=read.required_text(fields, "model"),
        turns=(*_system(fields), *_turns(fields)),
        tools=_tools(fields),
        tool_choice=choice,
        parallel_calls=parallel,
        output=_output(fields, config),
        sampling=Sampling(
            temperature=read.number(fields, "temperature"),
            top_p=read.number(fields, "top_p"),
            top_k=read.integer(fields, "top_k"),
        ),
        reasoning=_reasoning(thinking, config),
        max_tokens=read.integer(fields, "max_tokens"),
        stop=read.texts(fields.get("stop_sequences"), "stop_sequences"),
        stream=bool(read.flag(fields, "stream")),
        person=read.text(read.object_(fields, "metadata") or {}, "user_id", "metadata"),
        service_tier=_tier(fields),
        cache=read_cache(fields, ""),
        own=_own(fields, thinking, config),
    )


def _system(fields: Fields) -> Iterator[Turn]:
    if fields.get("system") is not None:
        parts = read_content(fields, "", ALLOWED["system"], "system")
        if parts:
            yield Turn(role="system", parts=parts)


def _turns(fields: Fields) -> Iterator[Turn]:
    for number, message in enumerate(read.objects(fields, "messages")):
        at = f"messages[{number}]"
        role = read.required_text(message, "role", at)
        if role not in ALLOWED:
            raise read.unknown(f"{at}.role", role, "user, assistant, system")
        parts = read_content(message, at, ALLOWED[role])
        yield from _cut(role, parts, own_of(message, ("role", "content")))  # type: ignore[arg-type]


def _cut(role: Role, parts: tuple[Part, ...], own: Own) -> Iterator[Turn]:
    """Yield the turns of a message: results of tools are turns of their own."""
    begin = 0
    for end in range(1, len(parts) + 1):
        result = isinstance(parts[begin], ToolResult)
        if end == len(parts) or isinstance(parts[end], ToolResult) is not result:
            yield Turn(role="tool" if result else role, parts=parts[begin:end], own=own)
            begin = end


def _tools(fields: Fields) -> tuple[Tool, ...]:
    return tuple(_tool(each, f"tools[{number}]") for number, each in enumerate(read.objects(fields, "tools")))


def _tool(found: Fields, at: str) -> Tool:
    kind = read.text(found, "type", at)
    if kind not in (None, "custom"):
        return ServerTool(dialect=DIALECT, content=found)
    return FunctionTool(
        name=read.required_text(found, "name", at),
        description=read.text(found, "description", at),
        schema=read.object_(found, "input_schema", at),
        strict=read.flag(found, "strict", at),
        cache=read_cache(found, at),
        own=own_of(found, _TOOL),
    )


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    found = read.object_(fields, "tool_choice")
    if found is None:
        return None, None
    kind = read.required_text(found, "type", "tool_choice")
    if kind not in _CHOICES:
        raise read.unknown("tool_choice.type", kind, "auto, any, tool, none")
    name = read.required_text(found, "name", "tool_choice") if kind == "tool" else None
    single = read.flag(found, "disable_parallel_tool_use", "tool_choice")
    return ToolChoice(mode=_CHOICES[kind], name=name), None if single is None else not single


def _output(fields: Fields, config: Fields) -> OutputFormat | None:
    """Read the answer's format; `output_format` was its place in a beta."""
    at, found = "output_config.format", read.object_(config, "format", "output_config")
    if found is None:
        at, found = "output_format", read.object_(fields, "output_format")
    if found is None:
        return None
    if found.get("type") != "json_schema":
        raise read.unknown(f"{at}.type", found.get("type"), "json_schema")
    return OutputFormat(schema=read.required_object(found, "schema", at), strict=True)


def _reasoning(found: Fields, config: Fields) -> Reasoning:
    kind = read.text(found, "type", "thinking")
    shown = read.text(found, "display", "thinking")
    return Reasoning(
        mode=_THINKING.get(kind),
        effort=read.text(config, "effort", "output_config"),
        budget=read.integer(found, "budget_tokens", "thinking"),
        summary="auto" if shown == "summarized" else None,
    )


def _tier(fields: Fields) -> str | None:
    found = read.text(fields, "service_tier")
    return None if found is None else REQUEST_TIERS.get(found, found)


def _own(fields: Fields, thinking: Fields, config: Fields) -> Own:
    known = ["budget_tokens"] + ["type"] * (thinking.get("type") in _THINKING)
    known += ["display"] * (thinking.get("display") in (None, "summarized"))
    return own_of(
        fields,
        REQUEST,
        metadata=without(fields.get("metadata") or {}, ("user_id",)),
        output_config=without(config, ("effort", "format")),
        thinking=without(thinking, known),
    )
