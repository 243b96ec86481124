"""Turns into `system` and `messages`: users and assistants by turns, results of tools first."""

from collections.abc import Sequence
from itertools import groupby, takewhile

import msgspec

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.messages.blocks_writer import text_block, write_blocks
from gateway.translation.messages.own import with_own
from gateway.translation.parts import NOTHING_OWN
from gateway.translation.turns import is_medium, marked

_INSTRUCTING = ("system", "developer")
_REASONING = ("thinking", "redacted_thinking")


def write_turns(turns: Sequence[Turn], writing: Writing) -> tuple[list[Fields], list[Fields]]:
    """Return the blocks of `system` and the messages.

    System turns at the beginning are hoisted. One further on stands as a message of that role where the model takes
    it; else as a text of the user between `<system>` and `</system>`. A conversation of nothing but system turns asks
    with the last of them.
    """
    leading = len(list(takewhile(lambda turn: turn.role in _INSTRUCTING, turns)))
    if leading and leading == len(turns):
        turns = (*turns[:-1], msgspec.structs.replace(turns[-1], role="user"))
        leading -= 1
    system = [block for turn in turns[:leading] for block in _content(turn, writing, inside=False)]
    written = [(turn, content) for turn in turns[leading:] if (content := _content(turn, writing))]
    groups = groupby(written, lambda each: _role(each[0], writing))
    return system, _ended([_message(role, list(group)) for role, group in groups])


def _role(turn: Turn, writing: Writing) -> str:
    if turn.role in _INSTRUCTING:
        return "system" if writing.profile.system_anywhere else "user"
    return "assistant" if turn.role == "assistant" else "user"


def _content(turn: Turn, writing: Writing, *, inside: bool = True) -> list[Fields]:
    """Return the blocks of a turn; `inside` = it stands between others, and instructions among them are marked."""
    if turn.name is not None:
        writing.drop("name")
    parts = turn.parts
    if turn.role == "assistant":
        parts = tuple(part for part in parts if not is_medium(part, writing))
    elif inside and _role(turn, writing) == "user" and turn.role in _INSTRUCTING:
        parts = tuple(marked(part) for part in parts)
    return write_blocks(parts, writing)


def _message(role: str, written: Sequence[tuple[Turn, list[Fields]]]) -> Fields:
    """Return the turns of one role as one message: results before anything else, reasoning before calls."""
    blocks = [block for _, content in written for block in content]
    own = next((turn.own for turn, _ in written if turn.own), NOTHING_OWN)
    if role == "assistant":
        calls = [number for number, block in enumerate(blocks) if block.get("type") == "tool_use"]
        first = calls[0] if calls else len(blocks)
        blocks = [block for at, block in enumerate(blocks) if at < first or block.get("type") not in _REASONING]
    else:
        blocks.sort(key=lambda block: block.get("type") != "tool_result")
    return with_own({"role": role, "content": blocks}, own)


def _ended(messages: list[Fields]) -> list[Fields]:
    """Return messages of which the last, if it is the assistant's, does not end in space, which is refused."""
    last = messages[-1] if messages else None
    if last and last["role"] == "assistant" and last["content"][-1].get("type") == "text":
        block = last["content"][-1]
        last["content"][-1] = {**block, **text_block(block["text"].rstrip())}
    return messages
