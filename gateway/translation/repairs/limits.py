"""Limits of a model's family: tools, answers, prefill, structured output."""

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation
from gateway.translation.parts import Text


def within_limits(conversation: Conversation, writing: Writing) -> Conversation:
    """Return a conversation that asks for no more than the model gives. Raises `InvalidRequest`."""
    profile = writing.profile
    _check_tools(conversation, profile.most_tools)
    if not profile.prefill:
        _check_last(conversation)
    if conversation.output and conversation.output.schema is not None and not profile.structured_output:
        raise InvalidRequest(
            "The model cannot keep to a JSON Schema. Ask for JSON in the prompt, or choose another model.",
            code="unsupported_parameter",
            param="response_format",
        )
    most, asked = profile.max_output_tokens, conversation.max_tokens
    if most and asked and asked > most:
        return msgspec.structs.replace(conversation, max_tokens=most)
    return conversation


def _check_tools(conversation: Conversation, most: int | None) -> None:
    if most is not None and len(conversation.tools) > most:
        raise InvalidRequest(
            f"The request has {len(conversation.tools)} tools; the model takes {most} at most. Switch some off.",
            code="too_many_tools",
            param="tools",
        )


def _check_last(conversation: Conversation) -> None:
    last = conversation.turns[-1] if conversation.turns else None
    if last is not None and last.role == "assistant" and any(isinstance(part, Text) for part in last.parts):
        raise InvalidRequest(
            "The conversation ends with the assistant's words, which the model does not continue. End it with a "
            "message of the user.",
            code="unsupported_prefill",
            param="messages",
        )
