"""What of a request only its own dialect knows: listed as dropped, or refused where the answer would be another."""

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.codec import Codec, Writing
from gateway.translation.conversation import Conversation, ServerTool
from gateway.translation.parts import Foreign

_REFUSED = {
    "n": "answers once",
    "background": "answers while the client waits",
    "conversation": "keeps no conversations; send the whole input, or 'previous_response_id'",
    "prompt": "keeps no prompts; send the instructions themselves",
    "audio": "does not speak",
    "mcp_servers": "calls no MCP servers itself",
    "container": "has no containers",
}
"""Members without which the answer would be none of what was asked for, with what the upstream does instead."""
_HARMLESS = {"n": (1,), "background": (False,)}
"""Values with which such a member asks for nothing."""


def drop_unknown(conversation: Conversation, client: Codec, upstream: Codec, writing: Writing) -> None:
    """Note members that only the client's dialect knows. Raises `InvalidRequest` for those that cannot be missed."""
    for name, value in conversation.own.get(client.dialect, {}).items():
        if name in client.ignorable or name in upstream.carried or value is None or value in _HARMLESS.get(name, ()):
            continue
        if name in _REFUSED:
            raise InvalidRequest(
                f"The field '{name}' cannot be used with this model: its server {_REFUSED[name]}.",
                code="unsupported_parameter",
                param=name,
            )
        writing.drop(name)


def check_references(conversation: Conversation, upstream: Codec) -> None:
    """Raise `InvalidRequest` for items that only their ids stand for: without them the answer would be to less."""
    for turn in conversation.turns:
        for part in turn.parts:
            if isinstance(part, Foreign) and part.dialect != upstream.dialect and part.type == "item_reference":
                raise InvalidRequest(
                    "The input refers to an item by its id, which this model's server does not keep. Send the items "
                    "themselves (with 'store: false'), or 'previous_response_id'.",
                    code="unsupported_value",
                    param="input",
                )


def without_server_tools(conversation: Conversation, client: Codec, upstream: Codec, writing: Writing) -> Conversation:
    """Return a conversation without the tools that this upstream cannot run.

    Raises `InvalidRequest` where the request has no other tool, or demands that one.
    """
    foreign = [tool for tool in conversation.tools if isinstance(tool, ServerTool) and tool.dialect != upstream.dialect]
    if not foreign:
        return conversation
    names = [str(tool.content.get("type", "tool")) for tool in foreign]
    choice = conversation.tool_choice
    demanded = choice is not None and choice.mode == "named" and choice.name in _called(foreign)
    if client.refuses_server_tools or demanded or len(foreign) == len(conversation.tools):
        raise InvalidRequest(
            f"The tool '{names[0]}' is known only to models of its vendor, which this is not. Take it out, or "
            "choose a model of that vendor.",
            code="unsupported_tool",
            param="tools",
        )
    for name in names:
        writing.drop(f"tools.{name}")
    known = (
        tool for tool in conversation.tools if not isinstance(tool, ServerTool) or tool.dialect == upstream.dialect
    )
    return msgspec.structs.replace(conversation, tools=tuple(known))


def _called(tools: list[ServerTool]) -> set[str]:
    """Return the names by which tools of a server may be demanded."""
    return {str(tool.content.get(name)) for tool in tools for name in ("name", "type")}
