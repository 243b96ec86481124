"""How much each term of a question tells."""

import math
import re

from plugins.document_search.index import Shelf
from plugins.document_search.language import HIRAGANA, WORD, normalised, terms
from plugins.document_search.topics import GENERIC

ASKING = re.compile(r"[\u3041-\u309f何誰幾]")


class Weights:
    """How much each term of a question tells, over all that is searched: rare ones much, Japanese endings little."""

    def __init__(self, question: str, shelves: list[Shelf]) -> None:
        self.indexes = [shelf.index for shelf in shelves if shelf.index]
        self.size = sum(index.size for index in self.indexes)
        self.of = {term: self.weight(term) for term in terms(question)}
        self.total = sum(self.of.values()) or 1.0
        found = set(WORD.findall(normalised(question)))
        self.words = {word: max(map(self.weight, terms(word)), default=0.0) for word in found}
        self.total_words = sum(self.words.values()) or 1.0

    def weight(self, term: str) -> float:
        """Return the weight of a term: little for endings and the like, nothing if no text has them."""
        if ASKING.search(term) or term in GENERIC:
            known = any(term in index.postings for index in self.indexes)
            return self.rarity(term) * (0.5 if HIRAGANA.fullmatch(term) else 1.0) if known else 0.0
        return self.rarity(term)

    def rarity(self, term: str) -> float:
        known = sum(len(index.postings[term][0]) for index in self.indexes if term in index.postings)
        return math.log(1 + (self.size - known + 0.5) / (known + 0.5))

    def rare(self, text: str) -> float:
        """Return how rare a word is: 1 where no passage has it, 0 where all have it."""
        most = math.log(1 + (self.size + 0.5) / 0.5)
        return max((self.rarity(term) for term in terms(text)), default=0.0) / most

    def share(self, found: set[str]) -> float:
        """Return the share of the question's weight, 0 to 1."""
        return sum(weight for term, weight in self.of.items() if term in found) / self.total

    def share_of_words(self, text: str) -> float:
        whole = normalised(text)
        return sum(weight for word, weight in self.words.items() if word in whole) / self.total_words
