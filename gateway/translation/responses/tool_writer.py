"""Tools and their choice for an upstream of Responses."""

from typing import Any

from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, CustomTool, FunctionTool, Tool
from gateway.translation.responses.names import RESPONSES, SEPARATOR, responses_own

Fields = dict[str, Any]

_NO_ARGUMENTS = {"type": "object", "properties": {}}


def tools_of(conversation: Conversation, writing: Writing) -> list[Fields]:
    """Return the tools; those of a namespace together where the first of them stands."""
    spaces: dict[str, Fields] = {}
    found: list[Fields] = []
    for tool in conversation.tools:
        written = _tool(tool, writing)
        if written is None:
            continue
        about = responses_own(getattr(tool, "own", {})).get("namespace")
        if not isinstance(about, dict):
            found.append(written)
            continue
        name = str(about.get("name"))
        if name not in spaces:
            spaces[name] = {"type": "namespace", **about, "tools": []}
            found.append(spaces[name])
        spaces[name]["tools"].append({**written, "name": written["name"].removeprefix(name + SEPARATOR)})
    return found


def _tool(tool: Tool, writing: Writing) -> Fields | None:
    if isinstance(tool, FunctionTool):
        return _function(tool)
    if isinstance(tool, CustomTool):
        return _custom(tool)
    if tool.dialect == RESPONSES:
        return dict(tool.content)
    writing.drop(f"tools.{tool.content.get('type')}")
    return None


def _function(tool: FunctionTool) -> Fields:
    fields: Fields = {"type": "function", "name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    fields["parameters"] = _NO_ARGUMENTS if tool.schema is None else tool.schema
    fields["strict"] = tool.strict if tool.strict is not None else False
    return fields | _own(tool)


def _custom(tool: CustomTool) -> Fields:
    fields: Fields = {"type": "custom", "name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    if tool.grammar:
        fields["format"] = {"type": "grammar", **tool.grammar}
    return fields | _own(tool)


def _own(tool: FunctionTool | CustomTool) -> Fields:
    return {name: found for name, found in responses_own(tool.own).items() if name != "namespace"}


def choice_of(conversation: Conversation) -> str | Fields | None:
    """Return which tools may be called; None where nothing was said of it or there is none."""
    choice = conversation.tool_choice
    if choice is None or not conversation.tools:
        return None
    kinds = {
        tool.name: _KINDS[type(tool)] for tool in conversation.tools if isinstance(tool, FunctionTool | CustomTool)
    }
    if choice.allowed is not None:
        tools = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
    if choice.mode != "named":
        return choice.mode
    kind = kinds.get(choice.name or "")
    return {"type": kind, "name": choice.name} if kind else {"type": choice.name}


_KINDS: dict[type, str] = {FunctionTool: "function", CustomTool: "custom"}
