"""Turns as an upstream's messages.

A tool's result is text there: its images and files follow in a user's message after all results of that turn.
"""

from collections.abc import Iterable
from typing import Any

from gateway.translation.chat.assistant_writer import write_assistant
from gateway.translation.chat.content_writer import BETWEEN, message_of, name_of, write_content
from gateway.translation.chat.names import cache_control, chat_own
from gateway.translation.chat.part_writer import plain_text, write_parts
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.parts import (
    Audio,
    Document,
    Image,
    Part,
    Text,
    ToolResult,
)

Fields = dict[str, Any]

_SYSTEM = ("system", "developer")


class MessageWriter:
    """Writes turns one after the other; the same beginning is always written as the same messages."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._messages: list[Fields] = []
        self._media: list[Fields] = []
        """Parts of tools' results that follow in a user's message."""

    def write(self, turns: Iterable[Turn]) -> list[Fields]:
        """Return the messages of a conversation."""
        for turn in turns if self._writing.profile.system_anywhere else _with_one_system(turns):
            if turn.role == "tool":
                self._results(turn)
                continue
            self._flush()
            if turn.role == "assistant":
                self._messages.append(write_assistant(turn, self._writing))
            else:
                self._plain(turn)
        self._flush()
        return self._messages

    def _plain(self, turn: Turn) -> None:
        content = write_content(turn.parts, self._writing, strings=turn.role in _SYSTEM)
        self._append_user(message_of(self._role(turn.role), turn, content))

    def _append_user(self, message: Fields) -> None:
        """Append a message; where none but the assistant may speak after a tool, it says a word before."""
        after_tool = bool(self._messages) and self._messages[-1]["role"] == "tool"
        if after_tool and not self._writing.profile.user_after_tool:
            self._messages.append({"role": "assistant", "content": "OK."})
        self._messages.append(message)

    def _role(self, role: str) -> str:
        """Return a role as the model knows it."""
        profile = self._writing.profile
        if role not in _SYSTEM or (profile.system_anywhere and profile.developer_role):
            return role
        return "system" if profile.system_anywhere or not self._messages else "user"

    def _results(self, turn: Turn) -> None:
        for part in turn.parts:
            if not isinstance(part, ToolResult):
                continue
            media = [each for each in part.parts if _is_medium(each)]
            content = write_content(_said(part, len(media)), self._writing, strings=True)
            message: Fields = {"role": "tool", "tool_call_id": part.call_id, "content": content}
            if part.cache and self._writing.profile.cache_marks:
                message["cache_control"] = cache_control(part.cache)
            self._messages.append({**message, **name_of(turn), **chat_own(turn.own)})
            if media:
                label = f"What the tool call {part.call_id} returned besides text:"
                self._media += [{"type": "text", "text": label}, *write_parts(media, self._writing)]

    def _flush(self) -> None:
        if self._media:
            self._append_user({"role": "user", "content": self._media})
            self._media = []


def _is_medium(part: Part) -> bool:
    return isinstance(part, Image | Audio) or (isinstance(part, Document) and plain_text(part) is None)


def _said(result: ToolResult, media: int) -> list[Part]:
    """Return what of a result is text, and a word about the rest."""
    said = [part for part in result.parts if not _is_medium(part)]
    if media:
        count = "1 image or file" if media == 1 else f"{media} images or files"
        said.append(Text(text=f"[{count} of this result in the next message of the user]"))
    elif result.is_error and not said:
        said.append(Text(text="The tool failed."))
    return said


def _with_one_system(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns whose system texts at the beginning are one text, for models that look only at the first message."""
    turns = list(turns)
    count = next((at for at, turn in enumerate(turns) if turn.role not in _SYSTEM), len(turns))
    if not count:
        return turns
    parts = [part for turn in turns[:count] for part in turn.parts]
    if all(isinstance(part, Text) for part in parts):
        parts = [Text(text=BETWEEN.join(part.text for part in parts if isinstance(part, Text)))]
    return [Turn(role="system", parts=tuple(parts)), *turns[count:]]
