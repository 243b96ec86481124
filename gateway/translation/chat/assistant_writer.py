"""The assistant's turns as an upstream's messages: reasoning, text, refusal and calls have members of their own."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.translation.chat.call_writer import write_call
from gateway.translation.chat.content_writer import message_of, write_content
from gateway.translation.chat.names import CHAT, chat_own
from gateway.translation.chat.thinking import MEMBERS, extra_content, write_chunk, write_details
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.parts import Audio, Foreign, Image, Part, Refusal, Text, Thinking, ToolCall

Fields = dict[str, Any]


def write_assistant(turn: Turn, writing: Writing) -> Fields:
    """Return the message of an assistant's turn; reasoning of other upstreams stays away."""
    thinking = _own_thinking(turn, writing)
    content = _content(turn, [part for part in thinking if _in_content(part, writing)], writing)
    message = message_of("assistant", turn, content)
    message.update(_reasoning([part for part in thinking if not _in_content(part, writing)], writing))
    message.update(_rest(turn))
    if content == "" and any(name in message for name in ("tool_calls", "refusal", "audio")):
        message["content"] = None
    return message


def _own_thinking(turn: Turn, writing: Writing) -> list[Thinking]:
    """Return the reasoning that the upstream takes back: its own, or of a client that does not know whose it is."""
    if writing.profile.thinking_member is None:
        return []
    thinking = (part for part in turn.parts if isinstance(part, Thinking) and part.origin in (None, CHAT))
    return [part for part in thinking if extra_content(part) is None]


def _content(turn: Turn, thinking: Sequence[Thinking], writing: Writing) -> str | list[Fields]:
    said: list[Part] = [part for part in turn.parts if isinstance(part, Text | Foreign | Image)]
    content = write_content(said, writing, strings=True, between="")
    if not thinking:
        return content
    texts = [{"type": "text", "text": content}] if isinstance(content, str) and content else content
    return [*map(write_chunk, thinking), *(texts if isinstance(texts, list) else ())]


def _rest(turn: Turn) -> Fields:
    """Return the members for a refusal, earlier words in audio, and calls."""
    fields: Fields = {}
    if refusals := [part.text for part in turn.parts if isinstance(part, Refusal)]:
        fields["refusal"] = "".join(refusals)
    for part in turn.parts:
        if isinstance(part, Audio) and part.source.file_id:
            fields["audio"] = {"id": part.source.file_id, **chat_own(part.own)}
    if calls := [write_call(part) for part in _signed(turn.parts)]:
        fields["tool_calls"] = calls
    return fields


def _signed(parts: Iterable[Part]) -> Iterator[ToolCall]:
    """Yield the calls of a turn with the signatures that stand before them."""
    extra = None
    for part in parts:
        if isinstance(part, Thinking):
            extra = extra_content(part) or extra
        elif isinstance(part, ToolCall):
            own = chat_own(part.own)
            yield msgspec.structs.replace(part, own={CHAT: {"extra_content": extra, **own}}) if extra else part
            extra = None


def _in_content(part: Thinking, writing: Writing) -> bool:
    """Return whether reasoning goes into the content, as Mistral has it."""
    return writing.profile.thinking_member == "content" or "chunk" in chat_own(part.own)


def _reasoning(thinking: Sequence[Thinking], writing: Writing) -> Fields:
    """Return the members of a message that hold the model's earlier reasoning."""
    member = writing.profile.thinking_member or MEMBERS[0]
    fields: Fields = {}
    if details := write_details(thinking):
        fields["reasoning_details"] = details
    plain = [part for part in thinking if part.seal is None or "member" in chat_own(part.own)]
    if text := "".join(part.text for part in plain):
        fields[chat_own(plain[0].own).get("member", member)] = text
    return fields
