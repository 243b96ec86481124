"""Tools and their choice: one must be called, none may be, or the model decides; a single one cannot be named."""

from collections.abc import Iterator

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, FunctionTool

_CHOICES = {"none": "NONE", "required": "REQUIRED", "named": "REQUIRED"}


def write_tools(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members that concern tools; of a demanded one nothing but it is sent."""
    functions = list(_allowed(conversation, writing))
    if not functions:
        return {}
    fields: Fields = {"tools": [_tool(each) for each in functions]}
    if all(each.strict for each in functions):
        fields["strict_tools"] = True
    elif any(each.strict for each in functions):
        writing.drop("tools.strict")
    choice = conversation.tool_choice
    if choice is not None and choice.mode in _CHOICES:
        fields["tool_choice"] = _CHOICES[choice.mode]
    if conversation.parallel_calls is False:
        writing.drop("parallel_tool_calls")
    return fields


def _allowed(conversation: Conversation, writing: Writing) -> Iterator[FunctionTool]:
    choice = conversation.tool_choice
    allowed = choice and ((choice.name,) if choice.mode == "named" else choice.allowed)
    for tool in conversation.tools:
        if not isinstance(tool, FunctionTool):
            content = getattr(tool, "content", {})
            writing.drop(f"tools.{content.get('type') or getattr(tool, 'name', 'tool')}")
        elif not allowed or tool.name in allowed:
            yield tool


def _tool(tool: FunctionTool) -> Fields:
    schema = dict(tool.schema or {})
    described = {} if tool.description is None else {"description": tool.description}
    parameters = schema if "type" in schema else {"type": "object", **(schema or {"properties": {}})}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": parameters}}
