"""The content of messages: one string or an array of parts."""

from collections.abc import Sequence
from typing import Any

from gateway.translation.chat.names import chat_own
from gateway.translation.chat.part_writer import write_parts
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.parts import Part

Fields = dict[str, Any]

BETWEEN = "\n\n"
"""Stands between texts that become one."""


def write_content(
    parts: Sequence[Part], writing: Writing, *, strings: bool, between: str = BETWEEN
) -> str | list[Fields]:
    """Return a message's content: a string where it is one plain text, or where only strings are taken."""
    written = write_parts(parts, writing)
    if not written:
        return ""
    plain = all(part.keys() == {"type", "text"} for part in written)
    if plain and (len(written) == 1 or (strings and not writing.profile.text_lists)):
        return between.join(part["text"] for part in written)
    return written


def name_of(turn: Turn) -> Fields:
    """Return the participant's name as a member."""
    return {} if turn.name is None else {"name": turn.name}


def message_of(role: str, turn: Turn, content: str | list[Fields]) -> Fields:
    """Return a message with what only this dialect knows of its turn."""
    return {"role": role, "content": content, **name_of(turn), **chat_own(turn.own)}
