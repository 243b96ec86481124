"""Turns into `systemInstruction` and `contents`: users and models by turns, results of tools first."""

from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import Any

import msgspec

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.gemini.own import kept
from gateway.translation.gemini.parts_writer import PartsWriter
from gateway.translation.parts import Part, Text

_INSTRUCTING = ("system", "developer")


def write_turns(turns: Sequence[Turn], writing: Writing) -> tuple[Fields | None, list[Fields]]:
    """Return `systemInstruction` and `contents`.

    System turns at the beginning are hoisted; one further on is a text of the user between `<system>` and `</system>`.
    A conversation of nothing but system turns asks with the last of them.
    """
    leading = len(list(takewhile(lambda turn: turn.role in _INSTRUCTING, turns)))
    if leading and leading == len(turns):
        turns = (*turns[:-1], msgspec.structs.replace(turns[-1], role="user"))
        leading -= 1
    parts = PartsWriter(writing)
    system = _system(turns[:leading], parts)
    contents: list[Fields] = []
    for role, group in groupby(turns[leading:], _role):
        contents += _content(role, list(group), parts, writing)
    return system, contents


def _role(turn: Turn) -> str:
    return "model" if turn.role == "assistant" else "user"


def _system(turns: Sequence[Turn], parts: PartsWriter) -> Fields | None:
    written = [each for turn in turns for each in parts.write(turn.parts)]
    own: dict[str, Any] = dict(kept(turns[0].own)) if turns else {}
    return {"parts": written, **own} if written else None


def _content(role: str, turns: Sequence[Turn], parts: PartsWriter, writing: Writing) -> list[Fields]:
    """Return the turns of one role as one content; none where nothing is in it."""
    if any(turn.name is not None for turn in turns):
        writing.drop("name")
    written = [each for turn in turns for each in parts.write(_said(turn))]
    if role == "user":
        written.sort(key=lambda part: "functionResponse" not in part)
    own: dict[str, Any] = next((dict(kept(turn.own)) for turn in turns if kept(turn.own)), {})
    return [{"role": role, "parts": written} | own] if written else []


def _said(turn: Turn) -> Sequence[Part]:
    """Return a turn's parts; instructions among others are marked as such."""
    if turn.role not in _INSTRUCTING:
        return turn.parts
    return [_marked(part) for part in turn.parts]


def _marked(part: Part) -> Part:
    if not isinstance(part, Text) or not part.text.strip():
        return part
    return msgspec.structs.replace(part, text=f"<system>\n{part.text}\n</system>")
