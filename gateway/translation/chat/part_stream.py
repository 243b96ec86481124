"""Text, reasoning, refusal and media of a stream: which part a piece belongs to, and when a part ends."""

from collections.abc import Sequence
from typing import Any

from gateway.translation.answer import Cited, Closed, Event
from gateway.translation.chat.answer_reader import read_annotation, read_image
from gateway.translation.chat.chunks import DeltaMessage
from gateway.translation.chat.inline import InlineThinking
from gateway.translation.chat.names import CHAT
from gateway.translation.chat.open_part import OpenPart, Parts
from gateway.translation.chat.thinking import chunk_text
from gateway.translation.chat.thinking_stream import ThinkingStream
from gateway.translation.parts import Audio, Citation, Refusal, Source, Text

Fields = dict[str, Any]

_OPENED_TEXT = Text(text="")
_OPENED_REFUSAL = Refusal(text="")


class PartStream:
    """The parts besides tool calls, in the order in which they begin."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.parts = Parts()
        self._inline = InlineThinking(tags)
        self._thinking = ThinkingStream(self.parts)
        self._text: OpenPart | None = None
        self._refusal: OpenPart | None = None
        self._audio: OpenPart | None = None
        self._cited: list[Citation] = []
        """Sources that came before the text that they belong to."""
        self.refused = False

    def think(self, delta: DeltaMessage, events: list[Event]) -> None:
        """Take a piece of reasoning that has a member of its own."""
        self._inline.over = True
        for detail in delta.reasoning_details or ():
            self._close_text(events)
            self._thinking.add_detail(detail, events)
        if not delta.reasoning_details:
            self._think(delta.reasoning_content or delta.reasoning or "", events)

    def say(self, content: str | list[Any], logprobs: Any, events: list[Event]) -> None:
        """Take a piece of the content: text, or an array of chunks."""
        if isinstance(content, list):
            self._chunks(content, events)
        elif self._inline.over:
            self._say(content, logprobs, events)
        else:
            thought, text = self._inline.feed(content)
            self._think(thought, events)
            self._say(text, logprobs, events)

    def refuse(self, text: str, logprobs: Any, events: list[Event]) -> None:
        """Take a piece of a refusal."""
        if self._refusal is None:
            self.pause(events)
            self._refusal = self.parts.open(_OPENED_REFUSAL, events)
            self.refused = True
        self._refusal.grow(text, logprobs, events)

    def add(self, delta: DeltaMessage, events: list[Event]) -> None:
        """Take sources, images and audio."""
        for each in delta.annotations or ():
            if citation := read_annotation(each):
                self._cite(citation, events)
        for each in delta.images or ():
            if image := read_image(each):
                self.pause(events)
                self.parts.whole(image, events)
        if delta.audio:
            self._speak(delta.audio, events)

    def pause(self, events: list[Event]) -> None:
        """Close text and reasoning, as a part of another kind begins. Refusal and audio go on beside others."""
        if not self._inline.over:  # what may have been the beginning of a tag was none
            thought, text = self._inline.end()
            self._think(thought, events)
            self._say(text, None, events)
        self._thinking.close(events)
        self._close_text(events)

    def close(self, events: list[Event]) -> None:
        """Close everything at the end of the answer."""
        self.pause(events)
        if self._refusal:
            events.append(Closed(self._refusal.index, Refusal(text=self._refusal.text())))
        if self._audio:
            events.append(Closed(self._audio.index, _spoken(self._audio)))
        self._refusal = self._audio = None

    def _say(self, text: str, logprobs: Any, events: list[Event]) -> None:
        if not text:
            return
        if self._text is None:
            self._thinking.close(events)
            self._text = self.parts.open(_OPENED_TEXT, events)
            cited, self._cited = self._cited, []
            for citation in cited:
                self._cite(citation, events)
        self._text.grow(text, logprobs, events)

    def _think(self, text: str, events: list[Event]) -> None:
        if text:
            self._close_text(events)
            self._thinking.add(text, events)

    def _cite(self, citation: Citation, events: list[Event]) -> None:
        if self._text is None:
            self._cited.append(citation)
        else:
            self._text.citations.append(citation)
            events.append(Cited(self._text.index, citation))

    def _chunks(self, content: list[Any], events: list[Event]) -> None:
        """Take Mistral's array of chunks."""
        self._inline.over = True
        for chunk in content:
            if isinstance(chunk, str):
                self._say(chunk, None, events)
            elif isinstance(chunk, dict) and chunk.get("type") == "thinking":
                self._think(chunk_text(chunk), events)
            elif isinstance(chunk, dict) and isinstance(text := chunk.get("text"), str):
                self._say(text, None, events)

    def _speak(self, audio: Fields, events: list[Event]) -> None:
        if self._audio is None:
            self.pause(events)
            self._audio = self.parts.open(Audio(source=Source(data="")), events)
        part = self._audio
        if isinstance(data := audio.get("data"), str):
            part.detail.setdefault("data", []).append(data)
        part.detail.update({name: audio[name] for name in ("id", "expires_at") if audio.get(name) is not None})
        if isinstance(transcript := audio.get("transcript"), str) and transcript:
            part.grow(transcript, None, events)

    def _close_text(self, events: list[Event]) -> None:
        part, self._text = self._text, None
        if part is not None:
            events.append(Closed(part.index, Text(text=part.text(), citations=tuple(part.citations))))


def _spoken(part: OpenPart) -> Audio:
    detail = dict(part.detail)
    data = "".join(detail.pop("data", ()))
    return Audio(source=Source(data=data), transcript=part.text(), own={CHAT: detail} if detail else {})
