"""Statements: the sentences, items and rows of a passage, each with what stands above it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from plugins.document_search.language import in_cjk
from plugins.document_search.passages import Passage
from plugins.document_search.structure import ITEM, cells_of, generic_head

SENTENCE_END = re.compile(
    r"(?<=[。！？!?])(?![」』）)”\"'！？!?。])\s*|(?<=[.!?][\"”'’)])\s+(?=[A-Z])|(?<=[.])\s+(?=[\"“(‘']?[A-Z0-9])"
)
ABBREVIATED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|Nos|Nr|approx|ca|e\.g|i\.e|vs|Fig|Art|Sec|max|min|Prof|Inc|Ltd|Co|Jr|Sr|cf|c)|\b[A-Z])\.$"
)
LEADS = re.compile(r"[:：]\s*$|(?:次|以下)のとおり|as follows|the following", re.IGNORECASE)
MOST_STATEMENTS = 80  # of one passage


class Statement(NamedTuple):
    """Something that a document says. kind: sentence, item, row, list."""

    passage: Passage
    kind: str
    text: str
    """As it is shown."""
    above: tuple[str, ...]
    """What it stands under, the nearest first: the line that leads a list, headings."""
    before: str = ""
    """The sentences before it in its paragraph."""
    after: str = ""
    number: int = 0
    """Its place in the passage."""
    source: str = ""
    """How it stands in the passage, where that differs from `text`: a row of a table, the lines of a list."""


def whole_sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph; a full stop after an abbreviation ends none."""
    parts: list[str] = []
    for part in SENTENCE_END.split(text):
        if not part or not part.strip():
            continue
        if parts and ABBREVIATED.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {part.strip()}"
        else:
            parts.append(part.strip())
    return parts


def row_text(head: list[str], row: list[str]) -> str:
    """Return a row of a table in words: each cell behind the head of its column."""
    if len(row) == 2 and (generic_head(head) or not any(head)):
        return ": ".join(cell for cell in row if cell)
    named = [*head, *([""] * (len(row) - len(head)))]
    return " · ".join(f"{name}: {cell}" if name else cell for name, cell in zip(named, row, strict=False) if cell)


def lists_of(
    passage: Passage, lead: str, items: list[str], path: list[tuple[int, str]], at: int
) -> Iterator[Statement]:
    """Yield each item of a list, and the list as a whole."""
    above = tuple(name for _, name in reversed(path))
    for offset, item in enumerate(items):
        bare = item[mark.end() :] if (mark := ITEM.match(item)) else item
        yield Statement(passage, "item", bare.strip(), (lead, *above) if lead else above, number=at + offset)
    if len(items) > 1:
        yield Statement(passage, "list", "\n".join([lead, *items] if lead else items), above, number=at)


def statements_of(passage: Passage) -> list[Statement]:
    """Return what a passage says, in its order."""
    outer = [(0, name) for name in [passage.name, *passage.heading.split("\n")] if name]
    path, head, found = list(outer), [], []  # type: list[tuple[int, str]], list[str], list[Statement]
    lead, items = "", []  # type: str, list[str]
    for line in [*passage.text.split("\n"), ""]:
        if ITEM.match(line):
            items.append(line)
            continue
        if items:
            found += lists_of(passage, lead, items, path, len(found))
            lead, items = "", []
        if not line.strip():
            continue
        if heading := re.match(r"(#{1,6}) (.*)", line):
            level = len(heading.group(1))
            path = [*(each for each in path if each[0] < level), (level, heading.group(2))]
            lead, head = "", []
        elif line.startswith("| "):
            found += row_of(passage, head, line, path, len(found))
            head = head or cells_of(line)
        else:
            head = []
            parts = whole_sentences(line)
            found += sentences_of(passage, parts, path, len(found))
            lead = parts[-1] if parts and (LEADS.search(parts[-1]) or len(line) < 60) else ""
    return found[:MOST_STATEMENTS]


def row_of(passage: Passage, head: list[str], line: str, path: list[tuple[int, str]], at: int) -> list[Statement]:
    row = cells_of(line)
    if re.fullmatch(r"[\s|:-]+", line) or not head:
        return []
    above = tuple(name for _, name in reversed(path))
    return [Statement(passage, "row", row_text(head, row), above, number=at, source=line)]


def sentences_of(passage: Passage, parts: list[str], path: list[tuple[int, str]], at: int) -> list[Statement]:
    above = tuple(name for _, name in reversed(path))
    space = "" if in_cjk("".join(parts)) else " "
    return [
        Statement(
            passage,
            "sentence",
            part,
            above,
            space.join(parts[max(0, number - 3) : number]),
            space.join(parts[number + 1 : number + 2]),
            at + number,
        )
        for number, part in enumerate(parts)
    ]
