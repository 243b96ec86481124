"""Turns into `system` and `messages`: users and assistants by turns, results of tools first."""

from collections.abc import Sequence
from itertools import groupby, takewhile

import msgspec

from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.converse.blocks_writer import BlocksWriter, Marked
from gateway.translation.parts import Text
from gateway.translation.turns import is_medium, marked

Message = tuple[str, list[Marked]]
"""A role and its blocks."""
_INSTRUCTING = ("system", "developer")
_BEGINNING = "Continue."
"""What a user says before the assistant where a conversation begins with the assistant, as it may not."""
_BETWEEN = "OK."
"""What the assistant says between results and the user, where the model does not take both in one message."""

_DOCUMENTS = "See the documents."


def write_turns(turns: Sequence[Turn], writing: Writing) -> tuple[list[Marked], list[Message]]:
    """Return the blocks of `system` and the messages.

    System turns at the beginning are hoisted, one further on is a text of the user between `<system>` and `</system>`.
    A conversation of nothing but system turns asks with the last of them.
    """
    leading = len(list(takewhile(lambda turn: turn.role in _INSTRUCTING, turns)))
    if leading and leading == len(turns):
        turns = (*turns[:-1], msgspec.structs.replace(turns[-1], role="user"))
        leading -= 1
    blocks = BlocksWriter(writing)
    texts = [part for turn in turns[:leading] for part in turn.parts if isinstance(part, Text)]
    system = blocks.write(texts)
    written = [(_role(turn), found) for turn in turns[leading:] if (found := _content(turn, blocks, writing))]
    messages = [message for role, group in groupby(written, lambda each: each[0]) for message in _messages(role, [block for _, found in group for block in found], writing)]  # fmt: skip  # noqa: E501
    if messages and messages[0][0] == "assistant":
        messages.insert(0, ("user", [({"text": _BEGINNING}, None)]))
    return system, _ended(messages)


def _role(turn: Turn) -> str:
    return "assistant" if turn.role == "assistant" else "user"


def _content(turn: Turn, blocks: BlocksWriter, writing: Writing) -> list[Marked]:
    if turn.name is not None:
        writing.drop("name")
    parts = turn.parts
    if turn.role == "assistant":
        parts = tuple(part for part in parts if not is_medium(part, writing))
    elif turn.role in _INSTRUCTING:
        parts = tuple(marked(part) for part in parts)
    return blocks.write(parts)


def _messages(role: str, found: list[Marked], writing: Writing) -> list[Message]:
    """Return the messages of neighbouring turns of one role: results before all else, reasoning before calls."""
    if role == "assistant":
        calls = [at for at, (block, _) in enumerate(found) if "toolUse" in block]
        first = calls[0] if calls else len(found)
        return [(role, [each for at, each in enumerate(found) if at < first or "reasoningContent" not in each[0]])]
    results = [each for each in found if "toolResult" in each[0]]
    others = _with_text([each for each in found if "toolResult" not in each[0]])
    if results and others and not writing.profile.user_after_tool:
        return [(role, results), ("assistant", [({"text": _BETWEEN}, None)]), (role, others)]
    return [(role, [*results, *others])]


def _with_text(blocks: list[Marked]) -> list[Marked]:
    """Return the blocks of a user, with a text where documents stand alone, as they may not."""
    kinds = {next(iter(block)) for block, _ in blocks}
    return [({"text": _DOCUMENTS}, None), *blocks] if "document" in kinds and "text" not in kinds else blocks


def _ended(messages: list[Message]) -> list[Message]:
    """Return messages of which the last, if it is the assistant's, does not end in space, which is refused."""
    last = messages[-1][1] if messages and messages[-1][0] == "assistant" else None
    if last and "text" in last[-1][0]:
        last[-1] = ({"text": last[-1][0]["text"].rstrip()}, last[-1][1])
    return messages
