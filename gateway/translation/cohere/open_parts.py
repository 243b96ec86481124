"""Parts of a stream that have begun, and what they become.

A text stays open until the next part begins: its citations may come after its end.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.translation.answer import Cited, Closed, Delta, Event, Opened
from gateway.translation.checks import Fields
from gateway.translation.cohere.answer_reader import settled_arguments
from gateway.translation.cohere.citations import citations_of
from gateway.translation.cohere.names import DIALECT, PLAN, THOUGHT
from gateway.translation.parts import Citation, Part, Text, Thinking, ToolCall

Key = tuple[str, int]
"""What a part is, and the upstream's index of it."""


class _Open:
    """One open part."""

    __slots__ = ("citations", "index", "part", "pieces")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.pieces: list[str] = []
        self.citations: list[Citation] = []

    def whole(self) -> Part:
        """Return the part with all that came."""
        part, words = self.part, "".join(self.pieces)
        if isinstance(part, Text):
            return msgspec.structs.replace(part, text=words, citations=tuple(self.citations))
        if isinstance(part, ToolCall):
            return msgspec.structs.replace(part, arguments=settled_arguments(words))
        return msgspec.structs.replace(part, text=words)


class OpenParts:
    """The parts of one stream, numbered from 0 as they are opened."""

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}
        self._texts: dict[int, _Open] = {}
        """Texts by the upstream's index of their block, as long as they are open."""
        self._parts = 0
        self.called = False
        """True once a tool was called."""

    def text(self, index: int, piece: str, logprobs: Any = None) -> Sequence[Event]:
        return self._more(("content", index), Text(""), piece, logprobs)

    def thinking(self, index: int, piece: str) -> Sequence[Event]:
        return self._more(("thinking", index), Thinking(seal=THOUGHT, origin=DIALECT), piece)

    def plan(self, piece: str) -> Sequence[Event]:
        return self._more((PLAN, 0), Thinking(seal=PLAN, origin=DIALECT), piece)

    def call(self, index: int, identity: str, name: str, piece: str) -> Sequence[Event]:
        """Begin a call; one that is open under the same index ends. Others may go on beside it."""
        self.called = True
        closed = [*self._close_words(), *self.close(("call", index))]
        opened = self._opened(("call", index), ToolCall(id=identity, name=name))
        return [*closed, *opened, *self.arguments(index, piece)]

    def arguments(self, index: int, piece: str) -> Sequence[Event]:
        """Take a piece of a call's arguments; of a call that was never begun they say nothing."""
        part = self._open.get(("call", index))
        if part is None or not piece:
            return ()
        part.pieces.append(piece)
        return (Delta(part.index, piece),)

    def cite(self, found: Fields) -> Sequence[Event]:
        """Take a citation, of the block that it names or of the last text."""
        at = found.get("content_index")
        part = self._texts.get(at) if type(at) is int else None
        part = part or next(reversed(self._texts.values()), None)
        if part is None:
            return ()
        citations = list(citations_of(found))
        part.citations += citations
        return [Cited(part.index, each) for each in citations]

    def close(self, key: Key) -> Sequence[Event]:
        """End a part; nothing where none is open. A call without arguments has none."""
        part = self._open.pop(key, None)
        if part is None:
            return ()
        self._texts.pop(key[1], None) if key[0] == "content" else None
        whole = part.whole()
        rest: Sequence[Event] = ()
        if isinstance(whole, ToolCall) and not "".join(part.pieces).strip():
            rest = (Delta(part.index, whole.arguments),)
        return [*rest, Closed(part.index, whole)]

    def close_all(self) -> Sequence[Event]:
        return [event for key in list(self._open) for event in self.close(key)]

    def _close_words(self) -> Sequence[Event]:
        """End texts and reasoning, of which one is open at a time."""
        return [event for key in list(self._open) if key[0] != "call" for event in self.close(key)]

    def _more(self, key: Key, begun: Part, piece: str, logprobs: Any = None) -> Sequence[Event]:
        part = self._open.get(key)
        events: list[Event] = []
        if part is None:
            if not piece:
                return ()
            events += [*self._close_words(), *self._opened(key, begun)]
            part = self._open[key]
        if piece:
            part.pieces.append(piece)
            events.append(Delta(part.index, piece, logprobs))
        return events

    def _opened(self, key: Key, part: Part) -> Sequence[Event]:
        opened = self._open[key] = _Open(self._parts, part)
        if key[0] == "content":
            self._texts[key[1]] = opened
        self._parts += 1
        return (Opened(opened.index, part),)
