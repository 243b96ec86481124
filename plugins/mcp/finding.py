"""The offers that fit words."""

import unicodedata

from plugins.mcp.offers import Offer

MOST_FOUND = 20


def fitting_offers(offers: list[Offer], words: str) -> list[Offer]:
    """Return the best first; pairs of characters count, so that Japanese needs no spaces."""
    wanted = _pairs(words)
    scored = [(len(wanted & _pairs(offer.words)), offer) for offer in offers]
    best = max((score for score, _ in scored), default=0)
    fitting = [(score, offer) for score, offer in scored if score and score * 3 >= best]
    return [offer for _, offer in sorted(fitting, key=lambda pair: -pair[0])[:MOST_FOUND]]


def _pairs(text: str) -> set[str]:
    words = unicodedata.normalize("NFKC", text).casefold().split()
    return {word[at : at + 2] for word in words for at in range(max(1, len(word) - 1))}
