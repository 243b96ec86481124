"""Parts of a stream that have begun, and what they become: text and thoughts come in pieces, all else whole."""

import hashlib
from collections.abc import Sequence
from typing import Any

from gateway.translation.answer import Cited, Closed, Delta, Event, Opened
from gateway.translation.checks import Fields
from gateway.translation.gemini.media import read_medium
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.signatures import alone, before_call, on_text
from gateway.translation.messages.answer_reader import text_of
from gateway.translation.messages.arguments import arguments_of
from gateway.translation.parts import Citation, Foreign, Part, Source, Text, Thinking, ToolCall

_EMPTY = frozenset(("thought", "thoughtSignature", "partMetadata"))
"""Members that say nothing by themselves."""


class OpenParts:
    """The parts of one answer. Text and thoughts that follow one another in the same kind are one part."""

    def __init__(self) -> None:
        self._kind: type[Text] | type[Thinking] | None = None
        self._pieces: list[str] = []
        self._citations: list[Citation] = []
        self._seal: str | None = None
        self._after: Thinking | None = None
        """The signature of the open text, which follows it."""
        self._parts = self._calls = 0
        self.answer_id = ""
        """The upstream's id of the answer, from which calls without an id get theirs."""

    @property
    def called(self) -> bool:
        """Return whether a tool was called."""
        return self._calls > 0

    @property
    def text(self) -> str | None:
        """Return the open text; None where none is open."""
        return "".join(self._pieces) if self._kind is Text else None

    def take(self, part: Fields, logprobs: Any = None) -> Sequence[Event]:
        """Take a part of a chunk."""
        signature = text_of(part.get("thoughtSignature"))
        if isinstance(part.get("text"), str):
            return self._words(part["text"], signature, part.get("thought") is True, logprobs)
        if not part.keys() - _EMPTY:
            return self._words("", signature, False, None)
        if isinstance(call := part.get("functionCall"), dict):
            closed = self.close()
            before = self._whole(before_call(signature)) if signature else ()
            return [*closed, *before, *self._call(call)]
        return [*self.close(), *self._whole(_other(part))]

    def cite(self, citation: Citation) -> Sequence[Event]:
        """Take a source of the open text."""
        if self._kind is not Text or citation in self._citations:
            return ()
        self._citations.append(citation)
        return (Cited(self._parts, citation),)

    def close(self) -> Sequence[Event]:
        """End the open part, if any."""
        kind, self._kind = self._kind, None
        if kind is None:
            return ()
        words = "".join(self._pieces)
        whole: Part = Text(text=words, citations=tuple(self._citations))
        if kind is Thinking:
            whole = Thinking(text=words, seal=self._seal, origin=DIALECT)
        after, self._after, self._seal = self._after, None, None
        events: list[Event] = [Closed(self._parts, whole)]
        self._parts += 1
        return [*events, *(self._whole(after) if after else ())]

    def _words(self, words: str, signature: str, thought: bool, logprobs: Any) -> Sequence[Event]:
        kind = Thinking if thought else Text
        if not words and self._kind is not kind:
            return [*self.close(), *self._whole(alone(signature))] if signature else ()
        events: list[Event] = []
        if self._kind is not kind:
            events += self.close()
            self._kind, self._pieces, self._citations = kind, [], []
            events.append(Opened(self._parts, Thinking(origin=DIALECT) if thought else Text("")))
        if words:
            self._pieces.append(words)
            events.append(Delta(self._parts, words, logprobs))
        if signature and thought:
            self._seal = signature
        elif signature:
            self._after = on_text(signature) if words else alone(signature)
        return events

    def _call(self, call: Fields) -> Sequence[Event]:
        self._calls += 1
        args = call.get("args")
        arguments = arguments_of(args) if isinstance(args, dict) else "{}"
        identity = text_of(call.get("id")) or self._id()
        begun = ToolCall(id=identity, name=text_of(call.get("name")))
        index = self._parts
        self._parts += 1
        whole = ToolCall(id=identity, name=begun.name, arguments=arguments)
        return (Opened(index, begun), Delta(index, arguments), Closed(index, whole))

    def _id(self) -> str:
        """Return an id for a call that came without one; no other answer has it."""
        return "call_" + hashlib.blake2b(f"{self.answer_id}\0{self._calls}".encode(), digest_size=12).hexdigest()

    def _whole(self, part: Part) -> Sequence[Event]:
        index = self._parts
        self._parts += 1
        return (Opened(index, part), Closed(index, part))


def _other(part: Fields) -> Part:
    """Return what the model made, or ran itself."""
    for name, place in (("inlineData", "data"), ("fileData", "fileUri")):
        found = part.get(name)
        if isinstance(found, dict) and isinstance(found.get(place), str):
            media_type = text_of(found.get("mimeType")) or None
            data = name == "inlineData"
            source = Source(data=found["data"], media_type=media_type) if data else Source(url=found[place])
            return read_medium(source)
    return Foreign(dialect=DIALECT, content=part)
