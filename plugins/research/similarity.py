"""How near texts are to each other, by their words."""

import math
import re
import unicodedata

SENTENCES = re.compile(r"(?<=[。!?])|(?<=\.)\s+|\n+")  # full-width ones became these
WORDS = re.compile(r"[a-z0-9]{2,}|[\u3040-\u30ff\u3400-\u9fff]+")
PARTICLES = re.compile(r"[\u3040-\u309f]+$")
SHORTEST_COPY = 100  # letters: shorter texts may be the same by chance
COMMON = set(
    re.findall(
        r"\w+",
        "the and for are was were that this with from has have had not but its of in on to at by an as it is be or",
    )
)


def grams(text: str) -> set[str]:
    """Return what a text is about: Latin words and pairs of Japanese letters, without those that every text has."""
    found: set[str] = set()
    for word in WORDS.findall(unicodedata.normalize("NFKC", text).lower()):
        found |= {word} if word.isascii() or len(word) == 1 else {word[at : at + 2] for at in range(len(word) - 1)}
    telling = {gram for gram in found - COMMON if not PARTICLES.match(gram)}
    return telling or found


def overlap(wanted: set[str], found: set[str]) -> float:
    """Return the share of what is wanted, less if much else stands beside it; 0 to 1."""
    return len(wanted & found) / (len(wanted) + math.sqrt(len(found))) if wanted else 0.0


def nearest(text: str, questions: list[str], limit: int) -> str:
    """Return the parts of a long text that are nearest to the questions, in their order."""
    if len(text) <= limit:
        return text
    wanted, size = grams(" ".join(questions)), max(500, limit // 16)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    best = sorted(range(len(parts)), key=lambda at: -len(wanted & grams(parts[at])))[: limit // size]
    return "\n".join(parts[at] for at in sorted(best))


def same_text(one: str, other: str) -> bool:
    """Return whether two texts are copies of each other: one holds the other, and not much else."""
    first, second = sorted((re.sub(r"[\W_]+", "", text.lower()) for text in (one, other)), key=len)
    return len(first) >= SHORTEST_COPY and len(first) > 0.8 * len(second) and first in second


def mostly_latin(found: set[str]) -> bool:
    return 2 * sum(gram.isascii() for gram in found) > len(found)
