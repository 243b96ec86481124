"""Texts without a character, which most upstreams refuse, and turns that have nothing else."""

import msgspec

from gateway.translation.conversation import Conversation, Turn
from gateway.translation.parts import Part, Text, ToolResult


def without_empty_texts(conversation: Conversation) -> Conversation:
    """Return a conversation without them; where nothing would be left it stays as it is."""
    turns = [_cleaned(turn) for turn in conversation.turns]
    kept = tuple(turn for turn in turns if turn.parts)
    if not any(turn.role in ("user", "tool") for turn in kept):
        return conversation
    return msgspec.structs.replace(conversation, turns=kept)


def _cleaned(turn: Turn) -> Turn:
    if all(not _is_empty(part) for part in turn.parts) and not any(isinstance(p, ToolResult) for p in turn.parts):
        return turn
    parts = tuple(_without_empty_results(part) for part in turn.parts if not _is_empty(part))
    return msgspec.structs.replace(turn, parts=parts)


def _without_empty_results(part: Part) -> Part:
    if not isinstance(part, ToolResult) or not any(_is_empty(each) for each in part.parts):
        return part
    return msgspec.structs.replace(part, parts=tuple(each for each in part.parts if not _is_empty(each)))


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and not part.text
