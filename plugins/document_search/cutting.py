"""Cutting texts into passages along their structure."""

import re
from collections.abc import Iterator

from plugins.document_search.structure import Block, blocks_of

PASSAGE = 900  # characters
LONGEST_TEXT = 2_000_000  # characters of one document that are cut along its structure


def cut(text: str, size: int = PASSAGE) -> Iterator[str]:
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


def parts_of_block(block: Block, size: int) -> Iterator[str]:
    """Yield a block in pieces of about `size` characters; each piece of a table has its head."""
    if block.kind == "heading":
        yield f"{'#' * min(6, block.level)} {block.text}"
    elif block.kind != "table":
        yield from cut(block.text, size)
    else:
        first, rule, *rows = block.text.split("\n")
        head = f"{first}\n{rule}"
        piece: list[str] = []
        for row in rows:
            if piece and sum(map(len, piece)) + len(row) > size:
                yield "\n".join([head, *piece])
                piece = []
            piece.append(row[: 4 * size])
        yield "\n".join([head, *piece])


def sections(text: str, size: int = PASSAGE) -> Iterator[tuple[str, str]]:
    """Yield passages: the headings above each, outermost first, one a line; and its text, with the headings within."""
    path: list[tuple[int, str]] = []
    piece: list[str] = []
    above, length, listed = "", 0, False
    for block in blocks_of(text[:LONGEST_TEXT]):
        for part in parts_of_block(block, size):
            full = length + len(part) > (1.6 * size if listed and block.kind == "item" else size)
            if piece and full:
                held = [piece.pop()] if piece[-1].startswith("#") else []
                if piece:
                    yield above, "\n".join(piece)
                piece, length = held, sum(map(len, held))
                above = "\n".join(name for _, name in (path[:-1] if held else path))
            if block.kind == "heading":
                path = [*(each for each in path if each[0] < block.level), (block.level, block.text)]
            if not piece:
                above = "\n".join(name for _, name in (path[:-1] if block.kind == "heading" else path))
            piece.append(part)
            length += len(part)
            listed = block.kind == "item"
    if piece:
        yield above, "\n".join(piece)
    for rest in cut(text[LONGEST_TEXT:], size):
        yield "", rest
