"""Ranking passages by words and by meaning."""

from collections import defaultdict
from typing import NamedTuple

from plugins.document_search.index import Shelf
from plugins.document_search.language import sentences, terms
from plugins.document_search.passages import Passage
from plugins.document_search.weights import Weights

CANDIDATES = 50  # each by words and by meaning, that are looked at closely


class Scored(NamedTuple):
    """A passage for a question. Shares are of the question's weight, 0 to 1."""

    passage: Passage
    score: float
    near: float
    """By meaning, 1 for the nearest, 0 for the last of them."""
    focus: float
    """The share that two neighbouring sentences hold."""
    whole_words: float
    """The share of its whole words that the passage holds."""
    words: float
    """BM25 divided by the question's weight."""


Near = dict[str, tuple[float, Passage]]
"""How near passages are by meaning, 1 for the nearest; by their keys."""


def scaled(near: Near) -> Near:
    """Scale the similarities of any model to 0 to 1."""
    values = [value for value, _ in near.values()] or [0.0]
    worst, span = min(values), max(values) - min(values) or 1.0
    return {key: ((value - worst) / span, passage) for key, (value, passage) in near.items()}


def by_words(weights: Weights, shelves: list[Shelf]) -> Near:
    """Return the best passages, with BM25 divided by the question's weight."""
    best: Near = {}
    for shelf in shelves:
        scores: dict[int, float] = defaultdict(float)
        for term, weight in weights.of.items():
            if shelf.index and (posting := shelf.index.postings.get(term)):
                for at, counts in zip(*posting, strict=True):
                    scores[at] += weight * counts
        top = sorted(scores, key=scores.__getitem__, reverse=True)[:CANDIDATES]
        best |= {shelf.passages[at].key: (scores[at] / weights.total, shelf.passages[at]) for at in top}
    return dict(sorted(best.items(), key=lambda item: item[1][0], reverse=True)[:CANDIDATES])


def scored(weights: Weights, worded: tuple[float, Passage] | None, near: tuple[float, Passage] | None) -> Scored:
    passage = (worded or near or (0.0, Passage("", "", "")))[1]
    parts = sentences(passage.text) or [passage.text]
    bags = [set(terms(part)) for part in parts]
    shares = [weights.share(bag) for bag in bags]
    focus = max(weights.share(one | other) for one, other in zip(bags, [*bags[1:], set()], strict=True))
    above = f"{passage.name}\n{passage.heading}"
    covered = weights.share(set().union(*bags, terms(above)))
    whole_words = weights.share_of_words(f"{above}\n{passage.text}")
    nearness = near[0] if near else 0.0
    score = 0.9 * nearness + max(shares) + 0.7 * covered + 0.7 * whole_words
    return Scored(passage, score, nearness, focus, whole_words, worded[0] if worded else 0.0)


def ranked(question: str, shelves: list[Shelf], near: Near) -> list[Scored]:
    """Rank passages, best first. The weights were measured, see docs/document-search.md."""
    weights = Weights(question, shelves)
    worded = by_words(weights, shelves)
    closest = sorted(near, key=lambda key: near[key][0], reverse=True)[:CANDIDATES]
    keys = dict.fromkeys([*worded, *closest])
    found = [scored(weights, worded.get(key), near.get(key)) for key in keys]
    return sorted(found, key=lambda each: each.score, reverse=True)


def merged(queries: list[str], shelves: list[Shelf], near: dict[str, Near]) -> list[Scored]:
    """Rank passages for all queries, best first; the first query counts as much as the others together."""
    lists = [ranked(query, shelves, near.get(query, {})) for query in queries]
    if len(lists) == 1:
        return lists[0]
    share = [0.5, *(0.5 / (len(lists) - 1) for _ in lists[1:])]
    scores: dict[str, float] = defaultdict(float)
    known: dict[str, Scored] = {}
    for part, found in zip(share, lists, strict=True):
        for each in found:
            scores[each.passage.key] += part * each.score
            known.setdefault(each.passage.key, each)
    order = sorted(scores, key=scores.__getitem__, reverse=True)
    return [known[key]._replace(score=scores[key]) for key in order]
