"""Reasoning, text, refusal and media of a stream: which part a piece belongs to, and when a part ends."""

from collections.abc import Sequence
from typing import Any

from gateway.translation.answer import Cited, Closed, Delta, Event, Opened
from gateway.translation.chat.answer_reader import read_annotation, read_image
from gateway.translation.chat.chunks import DeltaMessage
from gateway.translation.chat.inline import InlineThinking
from gateway.translation.chat.names import CHAT
from gateway.translation.chat.thinking import chunk_text, detail_text, sealed
from gateway.translation.parts import Audio, Citation, Part, Refusal, Source, Text, Thinking

Fields = dict[str, Any]

_OPENED_THINKING = Thinking(origin=CHAT)
_OPENED_TEXT = Text(text="")
_OPENED_REFUSAL = Refusal(text="")


class _Open:
    """A part that grows."""

    __slots__ = ("citations", "detail", "index", "key", "pieces")

    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.key: object = None
        """Tells an entry of `reasoning_details` from the others."""
        self.detail: Fields = {}
        """What has come of that entry."""

    def text(self) -> str:
        return "".join(self.pieces)


class PartStream:
    """The parts besides tool calls, in the order in which they begin."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._inline = InlineThinking(tags)
        self._count = 0
        self._thinking: _Open | None = None
        self._text: _Open | None = None
        self._refusal: _Open | None = None
        self._audio: _Open | None = None
        self._cited: list[Citation] = []
        """Sources that came before the text that they belong to."""
        self.refused = False

    @property
    def any(self) -> bool:
        """Return whether a part has begun."""
        return self._count > 0

    def next(self) -> int:
        """Return the number of a part that begins."""
        self._count += 1
        return self._count - 1

    def think(self, delta: DeltaMessage, events: list[Event]) -> None:
        """Take a piece of reasoning that has a member of its own."""
        self._inline.over = True
        for detail in delta.reasoning_details or ():
            self._detail(detail, events)
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
            self._refusal = self._open(_OPENED_REFUSAL, events)
            self.refused = True
        self._grow(self._refusal, text, logprobs, events)

    def add(self, delta: DeltaMessage, events: list[Event]) -> None:
        """Take sources, images and audio."""
        for each in delta.annotations or ():
            if citation := read_annotation(each):
                self._cite(citation, events)
        for each in delta.images or ():
            if image := read_image(each):
                self.pause(events)
                self._whole(image, events)
        if delta.audio:
            self._speak(delta.audio, events)

    def pause(self, events: list[Event]) -> None:
        """Close what is open, as a part of another kind begins. A refusal goes on beside others."""
        self._release(events)
        self._close_thinking(events)
        self._close_text(events)

    def close(self, events: list[Event]) -> None:
        """Close everything at the end of the answer."""
        self.pause(events)
        if self._refusal:
            events.append(Closed(self._refusal.index, Refusal(text=self._refusal.text())))
        if self._audio:
            events.append(Closed(self._audio.index, _spoken(self._audio)))
        self._refusal = self._audio = None

    def _open(self, part: Part, events: list[Event]) -> _Open:
        opened = _Open(self.next())
        events.append(Opened(opened.index, part))
        return opened

    def _grow(self, part: _Open, text: str, logprobs: Any, events: list[Event]) -> None:
        part.pieces.append(text)
        events.append(Delta(part.index, text, logprobs))

    def _whole(self, part: Part, events: list[Event]) -> None:
        index = self.next()
        events += (Opened(index, part), Closed(index, part))

    def _release(self, events: list[Event]) -> None:
        """Tell what may have been the beginning of a tag, and was none."""
        if not self._inline.over:
            thought, text = self._inline.end()
            self._think(thought, events)
            self._say(text, None, events)

    def _say(self, text: str, logprobs: Any, events: list[Event]) -> None:
        if not text:
            return
        if self._text is None:
            self._close_thinking(events)
            self._text = self._open(_OPENED_TEXT, events)
            cited, self._cited = self._cited, []
            for citation in cited:
                self._cite(citation, events)
        self._grow(self._text, text, logprobs, events)

    def _cite(self, citation: Citation, events: list[Event]) -> None:
        if self._text is None:
            self._cited.append(citation)
        else:
            self._text.citations.append(citation)
            events.append(Cited(self._text.index, citation))

    def _think(self, text: str, events: list[Event]) -> None:
        if not text:
            return
        if self._thinking is None:
            self._close_text(events)
            self._thinking = self._open(_OPENED_THINKING, events)
        self._grow(self._thinking, text, None, events)

    def _detail(self, detail: Fields, events: list[Event]) -> None:
        """Take a piece of an entry of `reasoning_details`: its seal may come after its text."""
        text, key = detail_text(detail), (detail.get("type"), detail.get("index"))
        part = self._thinking
        if part is not None and part.detail and part.key != key and _is_keyed(part.key, key):
            self._close_thinking(events)
            part = None
        if part is None:
            self._close_text(events)
            part = self._thinking = self._open(_OPENED_THINKING, events)
        part.key = key
        part.detail.update({name: found for name, found in detail.items() if found is not None})
        if text:
            self._grow(part, text, None, events)

    def _chunks(self, content: list[Any], events: list[Event]) -> None:
        """Take Mistral's array of chunks."""
        self._inline.over = True
        for chunk in content:
            if isinstance(chunk, str):
                self._say(chunk, None, events)
            elif isinstance(chunk, dict) and chunk.get("type") == "thinking":
                self._think(chunk_text(chunk), events)
            elif isinstance(chunk, dict):
                self._say(detail_text({"text": chunk.get("text")}), None, events)

    def _speak(self, audio: Fields, events: list[Event]) -> None:
        if self._audio is None:
            self.pause(events)
            self._audio = self._open(Audio(source=Source(data="")), events)
        part = self._audio
        if isinstance(data := audio.get("data"), str):
            part.detail.setdefault("data", []).append(data)
        part.detail.update({name: audio[name] for name in ("id", "expires_at") if audio.get(name) is not None})
        if isinstance(transcript := audio.get("transcript"), str) and transcript:
            self._grow(part, transcript, None, events)

    def _close_thinking(self, events: list[Event]) -> None:
        part, self._thinking = self._thinking, None
        if part is not None:
            text = part.text()
            whole = sealed(part.detail, text) if part.detail else Thinking(text=text, origin=CHAT)
            events.append(Closed(part.index, whole))

    def _close_text(self, events: list[Event]) -> None:
        part, self._text = self._text, None
        if part is not None:
            events.append(Closed(part.index, Text(text=part.text(), citations=tuple(part.citations))))


def _is_keyed(first: Any, second: Any) -> bool:
    """Return whether two pieces of reasoning are of different entries: a seal may come without its number."""
    at = 0 if None in (first[1], second[1]) else 1
    return bool(first[at] != second[at])


def _spoken(part: _Open) -> Audio:
    detail = dict(part.detail)
    data = "".join(detail.pop("data", ()))
    transcript = part.text()
    return Audio(source=Source(data=data), transcript=transcript, own={CHAT: detail} if detail else {})
