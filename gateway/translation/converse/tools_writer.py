"""Tools and their choice."""

from collections.abc import Iterator, Sequence

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, FunctionTool, ToolChoice
from gateway.translation.converse.blocks_writer import Marked
from gateway.translation.parts import ToolCall


def write_tools(conversation: Conversation, writing: Writing) -> tuple[list[Marked], Fields | None]:
    """Return the definitions of tools, and the choice among them.

    A conversation with calls needs definitions even where none may be called any more: else it is refused.
    """
    called = _called(conversation)
    choice = conversation.tool_choice
    tools = list(_allowed(conversation, writing))
    if choice is not None and choice.mode == "none":
        if called and tools:
            writing.drop("tool_choice")
        tools, choice = (tools if called else []), None
    if conversation.parallel_calls is False and tools:
        writing.drop("parallel_tool_calls")
    specified: list[Marked] = [(_tool(each), each.cache) for each in tools]
    if not specified:
        return [(_unknown(name), None) for name in called], None
    return specified, _choice(choice)


def _called(conversation: Conversation) -> Sequence[str]:
    """Return the names of the tools that were called, in their order."""
    parts = (part for turn in conversation.turns for part in turn.parts)
    return list(dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall)))


def _allowed(conversation: Conversation, writing: Writing) -> Iterator[FunctionTool]:
    choice = conversation.tool_choice
    for tool in conversation.tools:
        if not isinstance(tool, FunctionTool):
            content = getattr(tool, "content", {})
            writing.drop(f"tools.{content.get('type') or getattr(tool, 'name', 'tool')}")
        elif choice is None or choice.allowed is None or tool.name in choice.allowed:
            yield tool


def _tool(tool: FunctionTool) -> Fields:
    schema = dict(tool.schema or {})
    spec: Fields = {"name": tool.name}
    if tool.description and tool.description.strip():
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": schema if "type" in schema else {"type": "object", **(schema or {"properties": {}})}}
    if tool.strict:
        spec["strict"] = True
    return {"toolSpec": spec}


def _unknown(name: str) -> Fields:
    """Return the definition of a tool of which nothing but its earlier calls is known."""
    return {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object", "properties": {}}}}}


def _choice(choice: ToolChoice | None) -> Fields | None:
    """Return the choice; automatic is the default, and some models refuse to be told so."""
    if choice is not None and choice.mode == "required":
        return {"any": {}}
    return {"tool": {"name": choice.name}} if choice is not None and choice.mode == "named" else None
