"""Images, audio and documents that a model does not take."""

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, Turn
from gateway.translation.parts import Audio, Document, Image, Part, Text, ToolResult

_KINDS = {Image: "image", Audio: "audio", Document: "document"}


def with_known_media(conversation: Conversation, writing: Writing) -> Conversation:
    """Return a conversation with the media that the model takes; those in results of tools become a sentence.

    Raises `InvalidRequest` where a person sent one that the model does not take.
    """
    known = writing.profile.media
    if known is None:
        return conversation
    turns = tuple(_with_known(turn, at, known, writing) for at, turn in enumerate(conversation.turns))
    return msgspec.structs.replace(conversation, turns=turns)


def _with_known(turn: Turn, at: int, known: frozenset[str], writing: Writing) -> Turn:
    for part in turn.parts:
        kind = _KINDS.get(type(part))
        if kind and kind not in known and turn.role != "assistant":
            takes = ", ".join(sorted(known)) or "nothing but text"
            raise InvalidRequest(
                f"The model takes no {kind}, but message {at + 1} has one; beside text it takes: {takes}. "
                "Leave it out, or choose a model that takes it.",
                code="unsupported_media",
                param="messages",
            )
    if not any(isinstance(part, ToolResult) for part in turn.parts):
        return turn
    return msgspec.structs.replace(turn, parts=tuple(_in_result(part, known, writing) for part in turn.parts))


def _in_result(part: Part, known: frozenset[str], writing: Writing) -> Part:
    if not isinstance(part, ToolResult) or all(
        _KINDS.get(type(each), "text") in {*known, "text"} for each in part.parts
    ):
        return part
    return msgspec.structs.replace(part, parts=tuple(_or_sentence(each, known, writing) for each in part.parts))


def _or_sentence(part: Part, known: frozenset[str], writing: Writing) -> Part:
    kind = _KINDS.get(type(part))
    if kind is None or kind in known:
        return part
    writing.drop(f"tool_result.{kind}")
    return Text(f"[{kind} left out: the model takes none]")
