"""Definitions of tools: names that the target takes, custom tools as functions where it has none."""

import hashlib
import re
from functools import lru_cache

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.codec import Codec, Writing
from gateway.translation.conversation import Conversation, CustomTool, FunctionTool, ServerTool, Tool, ToolChoice, Turn
from gateway.translation.free_text import SCHEMA, as_arguments
from gateway.translation.parts import Part, ToolCall, ToolResult

_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_STEM = 48
_compiled = lru_cache(64)(re.compile)


def with_known_tools(conversation: Conversation, upstream: Codec, writing: Writing) -> Conversation:
    """Return a conversation with the names that the upstream gets; `writing` notes how they are changed back."""
    as_functions = not (upstream.custom_tools and writing.profile.custom_tools)
    names = _Names(writing)
    tools = tuple(_sent(tool, names, as_functions, writing) for tool in conversation.tools)
    turns = tuple(_with_calls(turn, names, as_functions) for turn in conversation.turns)
    _check_choice(conversation)
    choice = conversation.tool_choice and _chosen(conversation.tool_choice, names)
    return msgspec.structs.replace(conversation, tools=tools, turns=turns, tool_choice=choice)


class _Names:
    """Finds for each name of a tool the one that the upstream gets."""

    def __init__(self, writing: Writing) -> None:
        self._pattern = _compiled(writing.profile.tool_name_pattern)
        self._writing = writing
        self._sent: dict[str, str] = {}

    def of(self, name: str) -> str:
        if name not in self._sent:
            self._sent[name] = name if self._pattern.fullmatch(name) else self._derived(name)
            if self._sent[name] != name:
                self._writing.names[self._sent[name]] = name
        return self._sent[name]

    def _derived(self, name: str) -> str:
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
        stem = _FORBIDDEN.sub("_", name)[:_LONGEST_STEM]
        candidates = (f"{stem}_{digest}", f"tool_{stem}_{digest}", f"tool_{digest}")
        return next((each for each in candidates if self._pattern.fullmatch(each)), f"t{digest}")


def _sent(tool: Tool, names: _Names, as_functions: bool, writing: Writing) -> Tool:
    if isinstance(tool, FunctionTool):
        name = names.of(tool.name)
        return tool if name == tool.name else msgspec.structs.replace(tool, name=name)
    if not isinstance(tool, CustomTool):
        return tool
    name = names.of(tool.name)
    if not as_functions:
        return msgspec.structs.replace(tool, name=name)
    writing.custom.add(name)
    return FunctionTool(name=name, description=_described(tool), schema=SCHEMA, cache=tool.cache)


def _described(tool: CustomTool) -> str:
    """Return the description of a custom tool with its grammar in words."""
    said = tool.description or ""
    if tool.grammar and tool.grammar.get("definition"):
        syntax = tool.grammar.get("syntax", "")
        said += f"\n\nThe input has to follow this {syntax} grammar exactly:\n{tool.grammar['definition']}"
    return said.strip()


def _with_calls(turn: Turn, names: _Names, as_functions: bool) -> Turn:
    if not any(isinstance(part, ToolCall | ToolResult) for part in turn.parts):
        return turn
    return msgspec.structs.replace(turn, parts=tuple(_call(part, names, as_functions) for part in turn.parts))


def _call(part: Part, names: _Names, as_functions: bool) -> Part:
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, custom=False) if part.custom and as_functions else part
    if not isinstance(part, ToolCall):
        return part
    if part.custom and as_functions:
        part = msgspec.structs.replace(part, custom=False, arguments=as_arguments(part.arguments))
    name = names.of(part.name)
    return part if name == part.name else msgspec.structs.replace(part, name=name)


def _check_choice(conversation: Conversation) -> None:
    """Raise `InvalidRequest` for a choice of a tool that is not among the tools."""
    choice, tools = conversation.tool_choice, conversation.tools
    if choice is None or choice.mode != "named" or not tools or any(isinstance(tool, ServerTool) for tool in tools):
        return
    if all(getattr(tool, "name", None) != choice.name for tool in tools):
        raise InvalidRequest(
            f"The choice of tools names '{str(choice.name)[:100]}', which is not among the request's tools.",
            param="tool_choice",
        )


def _chosen(choice: ToolChoice, names: _Names) -> ToolChoice:
    allowed = choice.allowed and tuple(names.of(name) for name in choice.allowed)
    return ToolChoice(mode=choice.mode, name=choice.name and names.of(choice.name), allowed=allowed)
