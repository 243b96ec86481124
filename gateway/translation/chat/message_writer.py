"""Turns as an upstream's messages.

A tool's result is text there: its images and files follow in a user's message after all results of that turn.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.translation.chat.call_writer import write_call
from gateway.translation.chat.names import CHAT, cache_control, chat_own
from gateway.translation.chat.part_writer import plain_text, write_parts
from gateway.translation.chat.thinking import write_chunk, write_details
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.parts import (
    Audio,
    Document,
    Foreign,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Fields = dict[str, Any]

_SYSTEM = ("system", "developer")
_BETWEEN = "\n\n"


class MessageWriter:
    """Writes turns one after the other; the same beginning is always written as the same messages."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._messages: list[Fields] = []
        self._media: list[Fields] = []
        """Parts of tools' results that follow in a user's message."""

    def write(self, turns: Iterable[Turn]) -> list[Fields]:
        """Return the messages of a conversation."""
        for turn in turns:
            if turn.role == "tool":
                self._results(turn)
                continue
            self._flush()
            if turn.role == "assistant":
                self._messages.append(_assistant(turn, self._writing))
            else:
                self._plain(turn)
        self._flush()
        return self._messages

    def _plain(self, turn: Turn) -> None:
        content = _content(turn.parts, self._writing, strings=turn.role in _SYSTEM)
        role = self._role(turn.role)
        last = self._messages[-1] if self._messages else None
        if role == "system" and last and not self._writing.profile.system_anywhere:
            last["content"] = _joined(last["content"], content, self._writing)
            return
        self._messages.append(_message(role, turn, content))

    def _role(self, role: str) -> str:
        """Return a role as the model knows it; the text of the system stands at the beginning, or is the user's."""
        profile = self._writing.profile
        if role not in _SYSTEM:
            return role
        if not profile.system_anywhere:
            return "system" if all(each["role"] == "system" for each in self._messages) else "user"
        return role if profile.developer_role else "system"

    def _results(self, turn: Turn) -> None:
        for part in turn.parts:
            if not isinstance(part, ToolResult):
                continue
            media = [each for each in part.parts if _is_medium(each)]
            content = _content(_said(part, len(media)), self._writing, strings=True)
            message: Fields = {"role": "tool", "tool_call_id": part.call_id, "content": content}
            if part.cache and self._writing.profile.cache_marks:
                message["cache_control"] = cache_control(part.cache)
            self._messages.append({**message, **_name(turn), **chat_own(turn.own)})
            if media:
                label = f"What the tool call {part.call_id} returned besides text:"
                self._media += [{"type": "text", "text": label}, *write_parts(media, self._writing)]

    def _flush(self) -> None:
        if self._media:
            self._messages.append({"role": "user", "content": self._media})
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


def _assistant(turn: Turn, writing: Writing) -> Fields:
    thinking = [part for part in turn.parts if isinstance(part, Thinking) and part.origin in (None, CHAT)]
    refusals = [part for part in turn.parts if isinstance(part, Refusal)]
    calls = [part for part in turn.parts if isinstance(part, ToolCall)]
    said: list[Part] = [part for part in turn.parts if isinstance(part, Text | Foreign | Image)]
    chunks = [write_chunk(part) for part in thinking if _in_content(part, writing)]
    content = _content(said, writing, strings=True, between="")
    if chunks:
        content = [*chunks, *([{"type": "text", "text": content}] if isinstance(content, str) else content)]
    message = _message("assistant", turn, content)
    message.update(_reasoning([part for part in thinking if not _in_content(part, writing)], writing))
    if refusals:
        message["refusal"] = "".join(part.text for part in refusals)
    for part in turn.parts:
        if isinstance(part, Audio) and part.source.file_id:
            message["audio"] = {"id": part.source.file_id, **chat_own(part.own)}
    if calls:
        message["tool_calls"] = [write_call(part) for part in calls]
    if content == "" and (calls or refusals or "audio" in message):
        message["content"] = None
    return message


def _in_content(part: Thinking, writing: Writing) -> bool:
    """Return whether reasoning goes into the content, as Mistral has it."""
    return writing.profile.thinking_member == "content" or "chunk" in chat_own(part.own)


def _reasoning(thinking: Sequence[Thinking], writing: Writing) -> Fields:
    """Return the members of a message that hold the model's earlier reasoning, as far as the upstream takes it."""
    member = writing.profile.thinking_member
    if member is None or not thinking:
        return {}
    fields: Fields = {}
    if details := write_details(thinking):
        fields["reasoning_details"] = details
    plain = [part for part in thinking if part.seal is None or "member" in chat_own(part.own)]
    if text := "".join(part.text for part in plain):
        fields[chat_own(plain[0].own).get("member", member)] = text
    return fields


def _content(parts: Sequence[Part], writing: Writing, *, strings: bool, between: str = _BETWEEN) -> str | list[Fields]:
    """Return a message's content: a string where it is one plain text, or where only strings are taken."""
    written = write_parts(parts, writing)
    if not written:
        return ""
    plain = all(part.keys() == {"type", "text"} for part in written)
    if plain and (len(written) == 1 or (strings and not writing.profile.text_lists)):
        return between.join(part["text"] for part in written)
    return written


def _joined(first: str | list[Fields], second: str | list[Fields], writing: Writing) -> str | list[Fields]:
    if isinstance(first, str) and isinstance(second, str):
        return _BETWEEN.join(text for text in (first, second) if text)
    lists = ([{"type": "text", "text": each}] if isinstance(each, str) else each for each in (first, second))
    return [part for each in lists for part in each]


def _name(turn: Turn) -> Fields:
    return {} if turn.name is None else {"name": turn.name}


def _message(role: str, turn: Turn, content: str | list[Fields]) -> Fields:
    return {"role": role, "content": content, **_name(turn), **chat_own(turn.own)}
