"""A conversation into a request for Cohere's Chat, always the same bytes for the same conversation."""

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.cohere.names import CARRIED
from gateway.translation.cohere.parts_writer import PartsWriter
from gateway.translation.cohere.settings_writer import write_settings
from gateway.translation.cohere.tools_writer import write_tools
from gateway.translation.cohere.turns_writer import write_turns
from gateway.translation.conversation import Conversation


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members of a request; `writing` notes what could not be carried. Raises `InvalidRequest`."""
    tools = write_tools(conversation, writing)
    if tools and conversation.output is not None and not writing.profile.structured_output_with_tools:
        raise InvalidRequest(
            "The model cannot answer in JSON while it has tools. Leave out 'response_format' or 'tools', or choose "
            "another model.",
            code="unsupported_parameter",
            param="response_format",
        )
    parts = PartsWriter(writing, documents=conversation.output is None)
    messages = write_turns(conversation.turns, parts, writing)
    if not messages:
        raise InvalidRequest("The conversation is empty; it must have a message with a text.", param="messages")
    carried = _carried(conversation)
    documents = [*parts.documents, *carried.pop("documents", ())]
    return {
        "model": conversation.model,
        "messages": messages,
        **tools,
        **({"documents": documents} if documents else {}),
        **write_settings(conversation, writing),
        **carried,
    }


def _carried(conversation: Conversation) -> Fields:
    """Return the members of Cohere that the client sent as they are."""
    members = [each for own in conversation.own.values() for each in own.items()]
    return {
        name: msgspec.to_builtins(value)
        for name, value in members
        if name in CARRIED and isinstance(value, CARRIED[name]) and not (CARRIED[name] is int and value is True)
    }
