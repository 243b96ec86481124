"""Tools and their choice into `tools` and `toolConfig`."""

from collections.abc import Iterator
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, FunctionTool, ServerTool, ToolChoice
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.own import kept

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def write_tools(conversation: Conversation, writing: Writing) -> list[Fields]:
    """Return the tools: all functions in one, then those that Google's servers run."""
    functions = [_function(tool) for tool in _allowed(conversation, writing)]
    found: list[Fields] = [{"functionDeclarations": functions}] if functions else []
    for tool in conversation.tools:
        if isinstance(tool, ServerTool) and tool.dialect == DIALECT:
            found.append({name: value for name, value in tool.content.items() if name != "type"})
        elif isinstance(tool, ServerTool):
            writing.drop(f"tools.{tool.content.get('type')}")
    return found


def _allowed(conversation: Conversation, writing: Writing) -> Iterator[FunctionTool]:
    """Yield the functions that may be called; only where one must be called a choice can name several."""
    choice = conversation.tool_choice
    allowed = choice.allowed if choice and choice.mode not in ("required", "named") else None
    for tool in conversation.tools:
        if isinstance(tool, FunctionTool):
            if allowed is None or tool.name in allowed:
                yield tool
        elif not isinstance(tool, ServerTool):
            writing.drop(f"tools.{tool.name}")


def _function(tool: FunctionTool) -> Fields:
    own = kept(tool.own)
    fields: Fields = {"name": tool.name, "description": tool.description}
    if "parameters" not in own:
        fields["parametersJsonSchema"] = tool.schema or None
    return {name: value for name, value in (fields | dict(own)).items() if value is not None}


def write_choice(conversation: Conversation, functions: bool, own: Any) -> Fields:
    """Return `toolConfig`; empty where nothing is said. A choice may stand only beside functions."""
    choice, rest = conversation.tool_choice, dict(own)
    calling = rest.pop("functionCallingConfig", {})
    if functions and choice is not None:
        calling = {**_calling(choice), **calling}
    return {**({"functionCallingConfig": calling} if calling else {}), **rest}


def _calling(choice: ToolChoice) -> Fields:
    found: Fields = {"mode": _MODES[choice.mode]}
    names = [choice.name] if choice.mode == "named" else list(choice.allowed or ()) if choice.mode == "required" else []
    return found | ({"allowedFunctionNames": names} if names else {})
