"""A conversation into a Converse request, always the same bytes for the same conversation.

The model and whether the answer is streamed stand in the request's address.
"""

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation
from gateway.translation.converse.caching import CachePoints
from gateway.translation.converse.names import CARRIED
from gateway.translation.converse.settings_writer import write_settings
from gateway.translation.converse.tools_writer import write_tools
from gateway.translation.converse.turns_writer import write_turns


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members of a request; `writing` notes what could not be carried. Raises `InvalidRequest`."""
    system, messages = write_turns(conversation.turns, writing)
    if not messages:
        raise InvalidRequest("The conversation is empty; it must have a message with a text.", param="messages")
    if conversation.cache is not None:
        block, mark = messages[-1][1][-1]
        messages[-1][1][-1] = (block, mark or conversation.cache)
    tools, choice = write_tools(conversation, writing)
    places = [("tools", tools), ("system", system), *(("messages", blocks) for _, blocks in messages)]
    points = CachePoints(writing, places)
    tool_config: Fields = {"tools": points.put("tools", tools), "toolChoice": choice}
    fields: Fields = {
        "system": points.put("system", system),
        "toolConfig": {name: value for name, value in tool_config.items() if value} if tools else {},
        "messages": [{"role": role, "content": points.put("messages", blocks)} for role, blocks in messages],
        **write_settings(conversation, messages, writing),
    }
    return {name: value for name, value in fields.items() if value} | _carried(conversation)


def _carried(conversation: Conversation) -> Fields:
    """Return the members of Converse that the client sent as they are."""
    members = [each for own in conversation.own.values() for each in own.items()]
    return {name: msgspec.to_builtins(value) for name, value in members if name in CARRIED and isinstance(value, dict)}
