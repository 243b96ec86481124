"""Passages of a document, and which of them the vector store's chunks touch."""

import re

from plugins.document_search.cutting import sections
from plugins.document_search.language import normalised
from plugins.document_search.passages import Passage

PROBE = 24  # signs of a passage that are looked up in the chunks
SIGNS = re.compile(r"[\W_]+")


def signs(text: str) -> str:
    return SIGNS.sub("", normalised(text))


def probes_of(text: str) -> list[str]:
    """Return three short parts of a passage, of which a chunk with its text holds at least one."""
    bare = signs(text)
    return [part for at in (0, len(bare) // 2, len(bare) - PROBE) if (part := bare[max(0, at) : max(0, at) + PROBE])]


def passages_in(key: str, text: str, document: Passage) -> list[Passage]:
    """Return the passages of a document; `document` has its name and what else is the same for all."""
    parts = enumerate(sections(text))
    return [document._replace(key=f"{key}:{at}", text=part, heading=heading) for at, (heading, part) in parts]


class Chunks:
    """The chunks of one document in the vector store: which of them holds a passage's text."""

    def __init__(self, chunks: list[Passage]) -> None:
        self.known = [(signs(chunk.text), chunk) for chunk in chunks]

    def of(self, passage: Passage) -> list[Passage]:
        """Return the chunks that hold some of the passage, the one with its beginning first."""
        probes = probes_of(passage.text)
        held = [(bare, chunk) for bare, chunk in self.known if any(probe in bare for probe in probes)]
        return [chunk for bare, chunk in sorted(held, key=lambda pair: not probes or probes[0] not in pair[0])]
