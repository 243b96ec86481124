"""Tools as an upstream's request defines them."""

from collections.abc import Iterable
from typing import Any

from gateway.translation.chat.names import CHAT, cache_control, chat_own
from gateway.translation.codec import Writing
from gateway.translation.conversation import CustomTool, FunctionTool, ServerTool, Tool, ToolChoice

Fields = dict[str, Any]


def write_tools(tools: Iterable[Tool], writing: Writing) -> list[Fields]:
    """Return `tools` in their order, without those that only servers of another dialect run."""
    written: list[Fields] = []
    for tool in tools:
        if isinstance(tool, ServerTool):
            if tool.dialect == CHAT:
                written.append(dict(tool.content))
            else:
                writing.drop(f"tools.{tool.content.get('type', 'tool')}")
        else:
            written.append(_function(tool, writing) if isinstance(tool, FunctionTool) else _custom(tool, writing))
    return written


def _function(tool: FunctionTool, writing: Writing) -> Fields:
    own = dict(chat_own(tool.own))
    inner = own.pop("function", {})
    said = {"description": tool.description, "parameters": tool.schema, "strict": tool.strict}
    function = {"name": tool.name, **_there(said), **inner}
    return {"type": "function", "function": function, **_mark(tool, writing), **own}


def _custom(tool: CustomTool, writing: Writing) -> Fields:
    own = dict(chat_own(tool.own))
    inner = own.pop("custom", {})
    form = None if tool.grammar is None else {"type": "grammar", "grammar": tool.grammar}
    custom = {"name": tool.name, **_there({"description": tool.description, "format": form}), **inner}
    return {"type": "custom", "custom": custom, **_mark(tool, writing), **own}


def _there(fields: Fields) -> Fields:
    return {name: found for name, found in fields.items() if found is not None}


def _mark(tool: FunctionTool | CustomTool, writing: Writing) -> Fields:
    return {"cache_control": cache_control(tool.cache)} if tool.cache and writing.profile.cache_marks else {}


def write_choice(choice: ToolChoice, tools: Iterable[Tool]) -> str | Fields:
    """Return `tool_choice`."""
    custom = {tool.name for tool in tools if isinstance(tool, CustomTool)}
    if choice.mode == "named":
        return _named(choice.name or "", custom)
    if choice.allowed is None:
        return choice.mode
    if choice.mode == "none":
        return "none"
    allowed = {"mode": choice.mode, "tools": [_named(name, custom) for name in choice.allowed]}
    return {"type": "allowed_tools", "allowed_tools": allowed}


def _named(name: str, custom: set[str]) -> Fields:
    kind = "custom" if name in custom else "function"
    return {"type": kind, kind: {"name": name}}
