"""Blocks of a stream that have begun, and the parts that they become. Only calls are announced; others just come."""

from collections.abc import Sequence

import msgspec

from gateway.translation.answer import Cited, Closed, Delta, Event, Opened
from gateway.translation.checks import Fields
from gateway.translation.converse.answer_reader import call_of
from gateway.translation.converse.citations import citation_of
from gateway.translation.converse.names import DIALECT
from gateway.translation.parts import Citation, Foreign, Part, Text, Thinking, ToolCall


class _Block:
    """One open block."""

    __slots__ = ("citations", "index", "part", "pieces", "seal")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.seal: list[str] = []

    def whole(self) -> Part:
        """Return the part with all that came."""
        part, words = self.part, "".join(self.pieces)
        if isinstance(part, Text):
            return msgspec.structs.replace(part, text=words, citations=tuple(self.citations))
        if isinstance(part, ToolCall):
            return msgspec.structs.replace(part, arguments=words)
        if isinstance(part, Thinking):
            return msgspec.structs.replace(part, text=words, seal="".join(self.seal) or None)
        return part


class OpenBlocks:
    """The open blocks of one stream, by the upstream's index. Parts are numbered from 0 as they are opened."""

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._parts = 0
        self.called = False
        """True once a tool was called."""

    def begin(self, index: int, started: Fields) -> Sequence[Event]:
        """Begin a block that is announced; one that is open under the same index ends."""
        call = started.get("toolUse")
        part = call_of(call, "") if isinstance(call, dict) else Foreign(dialect=DIALECT, content=started)
        return [*self.close(index), *self._opened(index, part)]

    def text(self, index: int, piece: str) -> Sequence[Event]:
        return self._more(index, Text, piece)

    def arguments(self, index: int, piece: str) -> Sequence[Event]:
        """Take a piece of a call's arguments; of a call that was never begun they say nothing."""
        block = self._open.get(index)
        return self._piece(block, piece) if block and isinstance(block.part, ToolCall) else ()

    def thinking(self, index: int, piece: str) -> Sequence[Event]:
        return self._more(index, Thinking, piece)

    def seal(self, index: int, piece: str, *, redacted: bool = False) -> Sequence[Event]:
        """Take a piece of a signature, or of reasoning of which nothing is shown."""
        opened = self._implied(index, Thinking(origin=DIALECT, redacted=redacted))
        block = self._open[index]
        if isinstance(block.part, Thinking):
            block.seal.append(piece)
        return opened

    def cite(self, index: int, found: Fields) -> Sequence[Event]:
        opened = self._implied(index, Text(text=""))
        block = self._open[index]
        if not isinstance(block.part, Text):
            return opened
        citation = citation_of(found)
        block.citations.append(citation)
        return [*opened, Cited(block.index, citation)]

    def close(self, index: int) -> Sequence[Event]:
        """End a block; nothing where none is open. A call without arguments has none."""
        block = self._open.pop(index, None)
        if block is None:
            return ()
        last: Sequence[Event] = ()
        if isinstance(block.part, ToolCall) and not any(piece.strip() for piece in block.pieces):
            last = self._piece(block, "{}")
        return [*last, Closed(block.index, block.whole())]

    def close_all(self) -> Sequence[Event]:
        return [event for index in list(self._open) for event in self.close(index)]

    def _more(self, index: int, kind: type[Part], piece: str) -> Sequence[Event]:
        block = self._open.get(index)
        if block is not None and type(block.part) is kind:
            return self._piece(block, piece)
        part = Text(text="") if kind is Text else Thinking(origin=DIALECT)
        opened = [*self.close(index), *self._opened(index, part)]
        return [*opened, *self._piece(self._open[index], piece)]

    def _implied(self, index: int, part: Part) -> Sequence[Event]:
        return () if index in self._open else self._opened(index, part)

    def _opened(self, index: int, part: Part) -> Sequence[Event]:
        self.called = self.called or isinstance(part, ToolCall)
        block = self._open[index] = _Block(self._parts, part)
        self._parts += 1
        return (Opened(block.index, part),)

    def _piece(self, block: _Block, piece: str) -> Sequence[Event]:
        if not piece:
            return ()
        block.pieces.append(piece)
        return (Delta(block.index, piece),)
