"""Parts of a stream that grow, and their numbers."""

from collections.abc import Sequence
from typing import Any

from gateway.translation.answer import Closed, Delta, Event, Opened
from gateway.translation.parts import Citation, Part

Fields = dict[str, Any]


class OpenPart:
    """A part that grows."""

    __slots__ = ("citations", "detail", "index", "key", "pieces")

    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.key: Sequence[object] = ()
        """Tells an entry of `reasoning_details` from the others."""
        self.detail: Fields = {}
        """What has come besides its text."""

    def text(self) -> str:
        """Return the text that has come."""
        return "".join(self.pieces)

    def grow(self, text: str, logprobs: Any, events: list[Event]) -> None:
        """Take a piece of text."""
        self.pieces.append(text)
        events.append(Delta(self.index, text, logprobs))


class Parts:
    """Numbers the parts of an answer in the order in which they begin."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        """Return the number of a part that begins."""
        self.count += 1
        return self.count - 1

    def open(self, part: Part, events: list[Event]) -> OpenPart:
        """Begin a part that grows."""
        opened = OpenPart(self.next())
        events.append(Opened(opened.index, part))
        return opened

    def whole(self, part: Part, events: list[Event]) -> None:
        """Take a part that comes at once."""
        index = self.next()
        events += (Opened(index, part), Closed(index, part))
