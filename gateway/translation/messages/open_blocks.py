"""Blocks of a stream that have begun, and the parts that they become."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.translation.answer import Cited, Closed, Delta, Event, Opened
from gateway.translation.checks import Fields
from gateway.translation.messages.answer_reader import is_block, part_of, raw_arguments, sealed, text_of
from gateway.translation.messages.arguments import input_of
from gateway.translation.messages.citations import read_citation
from gateway.translation.parts import Citation, Foreign, Part, Text, Thinking, ToolCall

_PIECES: dict[str, tuple[str, type[Part]]] = {
    "text_delta": ("text", Text),
    "thinking_delta": ("thinking", Thinking),
    "input_json_delta": ("partial_json", ToolCall),
}
"""The member in which a delta has its piece, and the part that it belongs to."""
_IMPLIED = {"text_delta": {"type": "text"}, "thinking_delta": {"type": "thinking"}}
"""Blocks that some servers do not announce."""


class _Block:
    """One open block."""

    __slots__ = ("begun", "citations", "index", "more", "part", "pieces", "signature")

    def __init__(self, index: int, part: Part, begun: Fields) -> None:
        self.index = index
        self.part = part
        self.begun = begun
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.signature = text_of(begun.get("signature"))
        self.more: dict[str, list[Any]] = {}
        """What deltas of newer kinds say, by member."""

    def extend(self, delta: Fields) -> None:
        """Take a delta of a kind that is not known."""
        for name, value in delta.items():
            if name != "type":
                self.more.setdefault(name, []).append(value)

    def whole(self) -> Part:
        """Return the part with all that came."""
        part, words = self.part, "".join(self.pieces)
        if isinstance(part, Text):
            return msgspec.structs.replace(part, text=words, citations=(*part.citations, *self.citations))
        if isinstance(part, ToolCall):
            return msgspec.structs.replace(part, arguments=words)
        if isinstance(part, Foreign):
            content = {**part.content, **({"input": input_of(words)} if words else {})}
            content |= {name: _continued(content.get(name), values) for name, values in self.more.items()}
            return msgspec.structs.replace(part, content=content)
        return sealed(words, self.signature, part.own) if isinstance(part, Thinking) and not part.redacted else part


class OpenBlocks:
    """The open blocks of one stream, by the upstream's index. Parts are numbered from 0 as they are opened."""

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._parts = 0
        self.called = False
        """True once a tool was called."""

    def open(self, index: int, begun: Fields) -> Sequence[Event]:
        """Begin a block; one that is open under the same index ends."""
        before = self.close(index)
        if not is_block(begun):
            return before
        part = part_of(begun)
        self.called = self.called or isinstance(part, ToolCall)
        if isinstance(part, ToolCall):
            part = msgspec.structs.replace(part, arguments="")
        elif isinstance(part, Text) or (isinstance(part, Thinking) and not part.redacted):
            part = msgspec.structs.replace(part, text="")
        block = self._open[index] = _Block(self._parts, part, begun)
        self._parts += 1
        events: list[Event] = [*before, Opened(block.index, part)]
        events += [Cited(block.index, each) for each in getattr(part, "citations", ())]
        first = text_of(begun.get("text" if isinstance(part, Text) else "thinking"))
        return [*events, *self._piece(block, first)]

    def delta(self, index: int, delta: Fields) -> Sequence[Event]:
        """Take a delta of any kind."""
        kind = text_of(delta.get("type"))
        if kind in _PIECES:
            return self.more(index, kind, text_of(delta.get(_PIECES[kind][0])))
        block = self._open.get(index)
        if block is None:
            return ()
        if kind == "citations_delta" and isinstance(block.part, Text):
            return self._cite(block, delta.get("citation"))
        if kind == "signature_delta":
            block.signature = text_of(delta.get("signature")) or block.signature
        elif isinstance(block.part, Foreign):
            block.extend(delta)
        return ()

    def more(self, index: int, kind: str, piece: str) -> Sequence[Event]:
        """Take a piece of text; one for a block that was never begun begins it."""
        block = self._open.get(index)
        if block is None:
            if kind not in _IMPLIED or not piece:
                return ()
            return [*self.open(index, dict(_IMPLIED[kind])), *self.more(index, kind, piece)]
        _, wanted = _PIECES.get(kind, ("", Foreign))
        part = block.part
        if isinstance(part, Foreign) and wanted is ToolCall:
            block.pieces.append(piece)
            return ()
        return self._piece(block, piece) if isinstance(part, wanted) and not getattr(part, "redacted", False) else ()

    def close(self, index: int) -> Sequence[Event]:
        """End a block; nothing where none is open."""
        block = self._open.pop(index, None)
        if block is None:
            return ()
        last: Sequence[Event] = ()
        if isinstance(block.part, ToolCall) and not any(piece.strip() for piece in block.pieces):
            last = self._piece(block, raw_arguments(block.begun.get("input")))
        return [*last, Closed(block.index, block.whole())]

    def close_all(self) -> Sequence[Event]:
        return [event for index in list(self._open) for event in self.close(index)]

    def _piece(self, block: _Block, piece: str) -> Sequence[Event]:
        if not piece:
            return ()
        block.pieces.append(piece)
        return (Delta(block.index, piece),)

    def _cite(self, block: _Block, found: Any) -> Sequence[Event]:
        if not isinstance(found, dict):
            return ()
        citation = read_citation(found)
        block.citations.append(citation)
        return (Cited(block.index, citation),)


def _continued(known: Any, values: list[Any]) -> Any:
    """Return a member after its deltas: texts are continued, of anything else the last counts."""
    if isinstance(known, str | None) and all(isinstance(value, str) for value in values):
        return "".join([known or "", *values])
    return values[-1]
