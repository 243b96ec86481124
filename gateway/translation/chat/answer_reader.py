"""A whole answer of Chat Completions. Nothing that an upstream may send is an error: what cannot be read is absent."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.dialects.usage import from_chat
from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer
from gateway.translation.chat.call_reader import arguments_of, call_own, made_id
from gateway.translation.chat.ends import read_end
from gateway.translation.chat.inline import InlineThinking
from gateway.translation.chat.names import CHAT, chat_own, own_of
from gateway.translation.chat.thinking import read_chunk, read_thinking, signed_call
from gateway.translation.chat.values import content_of, first_object, object_of, objects_of, str_of
from gateway.translation.data_urls import is_data_url, source_of
from gateway.translation.parts import Audio, Citation, Image, Part, Refusal, Source, Text, Thinking, ToolCall

Fields = dict[str, Any]

_ANSWER = frozenset(("id", "object", "created", "model", "choices", "usage", "service_tier"))


def read_answer(fields: Fields, profile: Profile) -> Answer:
    """Return an answer; of several choices the first. Never raises."""
    choice = first_object(fields.get("choices"))
    parts = _Message(object_of(choice, "message"), str_of(fields, "id"), profile).parts()
    called = any(isinstance(part, ToolCall) for part in parts)
    refused = any(isinstance(part, Refusal) for part in parts)
    created = fields.get("created")
    return Answer(
        id=str_of(fields, "id"),
        model=str_of(fields, "model"),
        parts=tuple(parts),
        end=read_end(choice.get("finish_reason"), called=called, refused=refused),
        usage=usage_of(fields),
        created=int(created) if isinstance(created, int | float) and 0 < created < 2**53 else None,
        logprobs=choice.get("logprobs") if isinstance(choice.get("logprobs"), dict) else None,
        service_tier=str_of(fields, "service_tier") or None,
        own=own_of(fields, _ANSWER),
    )


def usage_of(fields: Fields) -> Any:
    """Return the counts, which Groq's streams have in a member of their own."""
    return from_chat(fields.get("usage")) or from_chat(object_of(fields, "x_groq").get("usage"))


def read_annotation(annotation: Fields) -> Citation | None:
    """Return a source that an answer names; None for what is no citation of a page."""
    found = object_of(annotation, "url_citation")
    if not str_of(found, "url"):
        return None
    start, end = found.get("start_index"), found.get("end_index")
    return Citation(
        url=str_of(found, "url"),
        title=str_of(found, "title") or None,
        cited_text=str_of(found, "content") or None,
        start=start if type(start) is int else None,
        end=end if type(end) is int else None,
    )


def read_image(image: Fields) -> Image | None:
    """Return an image that the model made, as OpenRouter sends it."""
    url = str_of(object_of(image, "image_url"), "url")
    if not url or (is_data_url(url) and "," not in url[:1000]):
        return None
    return Image(source=source_of(url, "images"))


class _Message:
    """Reads one message of an assistant."""

    def __init__(self, message: Fields, answer_id: str, profile: Profile) -> None:
        self._message = message
        self._answer_id = answer_id
        self._tags = profile.inline_thinking

    def parts(self) -> list[Part]:
        """Return its parts: reasoning, text, refusal, media, calls."""
        message = self._message
        parts: list[Part] = [*read_thinking(message, of_client=False)]
        content = content_of(message)
        if isinstance(content, str):
            parts += self._text(content, split=not parts)
        elif isinstance(content, list):
            parts += _chunks(content)
        if refusal := str_of(message, "refusal"):
            parts.append(Refusal(text=refusal))
        parts += (image for each in objects_of(message, "images") if (image := read_image(each)))
        return [*_cited(parts, message), *_audio(message), *_signed(self._calls())]

    def _text(self, content: str, *, split: bool) -> list[Part]:
        inline = InlineThinking(self._tags if split else ())
        (thought, text), (last_thought, last_text) = inline.feed(content), inline.end()
        thought, text = thought + last_thought, text + last_text
        thinking: list[Part] = [Thinking(text=thought, origin=CHAT)] if thought else []
        return [*thinking, *([Text(text=text)] if text else ())]

    def _calls(self) -> list[ToolCall]:
        """Return its calls under ids of their own; what has no name calls nothing."""
        found = [*objects_of(self._message, "tool_calls"), {"function": object_of(self._message, "function_call")}]
        calls: dict[str, ToolCall] = {}
        for number, each in enumerate(found):
            call = self._call(each, number)
            if call.id in calls:
                call = msgspec.structs.replace(call, id=made_id(self._answer_id, number))
            if call.name:
                calls[call.id] = call
        return list(calls.values())

    def _call(self, call: Fields, number: int) -> ToolCall:
        custom = isinstance(call.get("custom"), dict)
        content = object_of(call, "custom" if custom else "function")
        return ToolCall(
            id=str_of(call, "id") or made_id(self._answer_id, number),
            name=str_of(content, "name"),
            arguments=arguments_of(content.get("input" if custom else "arguments")),
            custom=custom,
            own=call_own(call, content),
        )


def _signed(calls: list[ToolCall]) -> Iterator[Part]:
    """Yield calls, each after the reasoning that its signature stands for."""
    for call in calls:
        if thinking := signed_call(chat_own(call.own).get("extra_content")):
            yield thinking
        yield call


def _chunks(content: list[Any]) -> list[Part]:
    """Return the parts of a content that is an array, as Mistral sends it."""
    parts: list[Part] = []
    for chunk in content:
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "thinking":
            parts.append(read_chunk(chunk, of_client=False))
        elif kind == "refusal":
            parts.append(Refusal(text=str_of(chunk, "refusal")))
        elif isinstance(chunk, dict) and (text := str_of(chunk, "text")):
            parts.append(Text(text=text))
        elif isinstance(chunk, str) and chunk:
            parts.append(Text(text=chunk))
    return parts


def _cited(parts: list[Part], message: Fields) -> list[Part]:
    """Return the parts with the message's citations, which belong to its text."""
    citations = tuple(each for found in objects_of(message, "annotations") if (each := read_annotation(found)))
    at = next((number for number, part in enumerate(parts) if isinstance(part, Text)), None)
    if at is not None and citations and isinstance(text := parts[at], Text):
        parts[at] = Text(text=text.text, citations=citations)
    return parts


def _audio(message: Fields) -> list[Audio]:
    found = object_of(message, "audio")
    if not found:
        return []
    rest = own_of(found, ("data", "transcript"))
    return [Audio(source=Source(data=str_of(found, "data")), transcript=str_of(found, "transcript"), own=rest)]
