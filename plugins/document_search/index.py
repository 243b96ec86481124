"""Shelves: what is searched by words."""

import time
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from plugins.document_search.language import terms
from plugins.document_search.passages import Passage

LARGEST_SHELF = 5_000_000  # characters


class Index:
    """BM25's part that does not depend on a question: for each term its passages and how much it counts there."""

    def __init__(self, texts: Iterable[str], saturation: float = 0.9, by_length: float = 0.5) -> None:
        bags = [Counter(terms(text)) for text in texts]
        lengths = [sum(bag.values()) for bag in bags]
        mean = sum(lengths) / len(lengths) if any(lengths) else 1.0
        self.size = len(bags)
        self.postings: dict[str, tuple[array[int], array[float]]] = {}
        for at, (bag, length) in enumerate(zip(bags, lengths, strict=True)):
            slow = saturation * (1 - by_length + by_length * length / mean)
            for term, count in bag.items():
                where, weights = self.postings.setdefault(term, (array("I"), array("f")))
                where.append(at)
                weights.append(count * (saturation + 1) / (count + slow))


@dataclass
class Shelf:
    """What is searched by words: the passages of one knowledge base, of the folder, or found by OpenSearch."""

    name: str
    passages: list[Passage]
    index: Index | None
    """None: too large."""
    documents: int
    read_at: float = 0.0
    unread_names: list[str] = field(default_factory=list)
    """Documents without text that we could read."""
    state: str = ""
    of_chunk: dict[str, list[int]] = field(default_factory=dict)
    """Places of passages by the keys of the vector store's chunks that hold their text."""

    @property
    def unread(self) -> int:
        return len(self.unread_names)

    @property
    def characters(self) -> int:
        return sum(len(passage.text) for passage in self.passages)


def shelf_of(name: str, passages: list[Passage], documents: int, unread: list[str] | None = None) -> Shelf:
    """Build a shelf. Takes seconds for millions of characters: call it in a thread."""
    large = sum(len(passage.text) for passage in passages) > LARGEST_SHELF
    index = None if large else Index(f"{passage.name}\n{passage.heading}\n{passage.text}" for passage in passages)
    return Shelf(name, [] if large else passages, index, documents, time.monotonic(), unread or [])
