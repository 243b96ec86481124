"""Passages, and parts of an answer."""

from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A part of an answer. kind: text, source, usage, trouble."""

    kind: str
    value: Any


class Passage(NamedTuple):
    key: str
    text: str
    name: str
    """The document's."""
    place: int = 0
    """Its page, 0 where unknown."""
    file_id: str = ""
    url: str = ""
    base: str = ""
    """The knowledge base it is in."""
    heading: str = ""
    """The headings above it, outermost first, one a line."""


LONGEST_PASSAGE = 6_000  # characters
