"""Cutting texts into passages."""

import re
from collections.abc import Iterator


def cut(text: str, size: int = 900) -> Iterator[str]:
    """Yield pieces of whole sentences, about `size` characters; a longer sentence is cut."""
    piece = ""
    for part in re.split(r"(?<=[。．！？\n])|(?<=[.!?])(?=\s)", text):
        for at in range(0, len(part), size):
            if len(piece) + len(part[at : at + size]) > size and piece.strip():
                yield piece.strip()
                piece = ""
            piece += part[at : at + size]
    if piece.strip():
        yield piece.strip()
