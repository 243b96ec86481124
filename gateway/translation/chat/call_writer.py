"""Tool calls as messages and answers of Chat Completions hold them."""

from typing import Any

from gateway.translation.chat.names import chat_own
from gateway.translation.parts import ToolCall

Fields = dict[str, Any]


def write_call(call: ToolCall, arguments: str | None = None) -> Fields:
    """Return one of `tool_calls`; `arguments` replace those of the call."""
    text = call.arguments if arguments is None else arguments
    own = dict(chat_own(call.own))
    inner = own.pop("function", {})
    if call.custom:
        content: Fields = {"type": "custom", "custom": {"name": call.name, "input": text, **inner}}
    else:
        content = {"type": "function", "function": {"name": call.name, "arguments": text, **inner}}
    return {"id": call.id, **content, **own}
