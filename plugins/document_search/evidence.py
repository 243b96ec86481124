"""Evidence: how far a statement meets what a question asks."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from plugins.document_search.asked import Asked, Term
from plugins.document_search.kinds import MONEY_ASKED, holds_kind
from plugins.document_search.language import in_cjk, normalised
from plugins.document_search.matching import LONGEST_COMPOUND, Words, follows, holds, is_extended, words_of
from plugins.document_search.roots import figured
from plugins.document_search.statements import Statement

STRENGTHS = {
    "name": 2.0,
    "word": 1.0,
    "qualifier": 1.0,
    "condition": 1.0,
    "subject": 1.0,
    "verb": 0.5,
    "category": 0.4,
    "sort": 0.3,
    "light": 0.1,
}
MET = 0.6  # a term that is held less than this is missing
ABOVE = (0.97, 0.93, 0.93)
GOES_ON = re.compile(
    r"^\W*(?:it|its|this|these|that|those|they|their|he|she|his|her|both|such|there|here|then|also|in "
    r"addition|the (?:latter|former|same|other))\b"
    r"|^\W*(?:その|この|これ|それ|同|ここ|そこ|なお|また|ただし|さらに|しかし|彼|当該|うち|以後|以降|両|前者|後者)",
    re.IGNORECASE,
)
SUBJECT = re.compile(r"^[^、。]{1,40}?[はがも](?![じず])")
FIGURE = re.compile(r"\d")
KANJI_RUN = re.compile(r"[\u3400-\u9fff]")
IMPLIED = {
    ("money", True): Term("価格", "価格", "word", -1),
    ("money", False): Term("pric", "price", "word", -1),
    ("purpose", True): Term("目的", "目的", "word", -1),
    ("purpose", False): Term("goal", "purpose", "word", -1),
}
FATAL = ("name", "condition", "qualifier")
NEVER_OTHERWISE = ("name", "condition", "subject")  # words that no other word can stand for
NAME_SIGNS = re.compile(r"_|(?<=\d)-(?=[A-Za-z])|\.\w{1,5}$")  # what divides the words in names of files
FULL_NAME = 0.9  # how far a name counts of which the statement has the last part alone


class Evidence(NamedTuple):
    """How far a statement meets a question."""

    statement: Statement
    held: float
    """Share of the question's terms that it holds, 0 to 1, by their weight."""
    missing: tuple[Term, ...]
    own: float
    """Share that stands in the statement itself."""
    kind: bool
    """It holds what is asked for, such as an amount or a date."""
    noise: float
    """Share of the words above it that the question does not have."""
    levels: tuple[float, ...] = ()
    same_language: bool = True
    mass: float = 0.0
    """How many rare words of the question it holds; 0 where nobody knows which are rare."""
    proof: float = 0.0
    """The same, by strength and by how well each word is held."""
    rank: float = 0.0
    """Its passage's score in the ranking."""
    is_first: bool = False
    """Its passage is the first in the ranking."""

    @property
    def score(self) -> float:
        own = 0.15 * self.kind + 0.1 * self.own - 0.06 * self.noise + 0.05 * self.same_language
        return self.held + own + 0.1 * self.rank


def sources_of(statement: Statement) -> list[tuple[str, float]]:
    """Return the texts that speak for a statement, and how much a word counts that stands there."""
    goes_on = bool(GOES_ON.search(statement.text)) or (
        statement.kind == "sentence"
        and words_of(statement.text).text != ""
        and japanese_without_subject(statement.text)
    )
    name = statement.passage.name
    texts = (name_in_words(text) if text == name else text for text in statement.above)
    above = [(text, ABOVE[min(at, 2)]) for at, text in enumerate(texts)]
    around = [(statement.before, 0.8 if goes_on else 0.45), (statement.after, 0.3), (statement.passage.text, 0.25)]
    return [(statement.text, 1.0), *above, *((text, level) for text, level in around if text)]


def name_in_words(name: str) -> str:
    """Return a file's name, and its words again: Travel_policy_2026-v3.pdf is of 2026."""
    return f"{name} {NAME_SIGNS.sub(' ', name)}"


def japanese_without_subject(text: str) -> bool:
    return bool(re.search(r"[\u3041-\u309f]", text)) and not SUBJECT.search(text)


def level_of(term: Term, before: Term | None, sources: list[tuple[str, float, Words]], question: str) -> float:
    best = 0.0
    for text, level, words in sources:
        if level <= best:
            continue
        held = holds(term, words)
        if held and follows(term, before, words) and not is_extended(term, text, question):
            best = max(best, held * level)
    return best if best >= MET or not in_cjk(term.text) else max(best, level_of_parts(term, sources))


def level_of_parts(term: Term, sources: list[tuple[str, float, Words]]) -> float:
    """Return the level of a Japanese compound whose two parts stand in different places: 海外出張."""
    run, best = term.text, 0.0
    for at in range(2, len(run) - 1) if len(run) <= LONGEST_COMPOUND and KANJI_RUN.match(run) else ():
        halves = (Term(run[:at], run[:at], "word"), Term(run[at:], run[at:], "word"))
        best = max(best, 0.95 * min(max(level * holds(half, words) for _, level, words in sources) for half in halves))
    return best


def with_full_names(terms: list[Term], levels: list[float], statement: Statement, words: Words) -> list[float]:
    """Return the levels where "Twigg" stands for the Graham Twigg that its passage names in full before."""
    whole = normalised(statement.passage.text)
    for at, (first, last) in enumerate(pairwise(terms)):
        is_name = first.strength == last.strength == "name" and first.group == last.group
        if is_name and levels[at] < MET and not FIGURE.search(first.shown + last.shown) and holds(last, words) == 1.0:
            named = f"{first.shown} {last.shown}".lower() in whole
            levels[at] = max(levels[at], FULL_NAME * named)
    return levels


def terms_of(asked: Asked) -> list[Term]:
    """Return the terms to meet; a question for the price of a thing alone asks for "price" too."""
    telling = asked.telling
    named = {term.group for term in telling if term.strength == "name"}
    things = all(
        term.strength == "name" or (asked.japanese and term.group in named and not KANJI_RUN.search(term.text))
        for term in telling
    )
    kind = "purpose" if asked.kind == "purpose" else "money" if asked.kind in ("money", "number") and things else ""
    if not kind or MONEY_ASKED.search(asked.text) or "purpose" in asked.text:
        return list(asked.terms)
    return [*asked.terms, IMPLIED[kind, asked.japanese]]


def evidence_of(
    asked: Asked, statement: Statement, rare: Callable[[str], float] | None = None, rank: float = 0.0
) -> Evidence:
    """Return how far a statement meets a question. `rank`: its passage's score in the ranking."""
    sources = [(text, level, words_of(text)) for text, level in sources_of(statement)]
    terms = terms_of(asked)
    levels = [level_of(term, before, sources, asked.text) for before, term in zip([None, *terms], terms, strict=False)]
    levels = with_full_names(terms, levels, statement, sources[0][2])
    weights = [STRENGTHS[term.strength] for term in terms]
    total = sum(weights) or 1.0
    own = sum(
        weight * holds(term, sources[0][2])
        for weight, term in zip(weights, terms, strict=True)
        if term.strength not in ("light", "sort")
    )
    missing = [
        term
        for term, level in zip(terms, levels, strict=True)
        if level < MET and term.strength not in ("light", "sort")
    ]
    held = sum(weight * level for weight, level in zip(weights, levels, strict=True)) / total
    kind = asked.kind if asked.kind != "site" or len({term.group for term in asked.telling}) < 2 else "place"
    return Evidence(
        statement,
        held,
        tuple(missing),
        1.0 if kind == "site" and asked.kind == kind and not own else own / total,
        holds_kind(kind, statement.text, asked.text) and defines(asked, statement),
        noise_of(asked, statement),
        tuple(levels),
        in_cjk(statement.text) == asked.japanese,
        sum(rare(term.shown) for term, level in zip(terms, levels, strict=True) if rare and level >= MET),
        sum(weight * level * rare(term.shown) for weight, level, term in zip(weights, levels, terms, strict=True))
        if rare
        else 0.0,
        rank,
    )


DEFINING = r"\s*(?:[\"”」』）)]\s*)?(?:とは|は|[:：（(=＝–—]|,? (?:is|are|was|were|means?|stands|refers)\b| - )"


def defines(asked: Asked, statement: Statement) -> bool:
    """Return whether a statement explains a word, where a question asks for nothing but what the word means."""
    telling = asked.telling
    if (
        asked.kind not in ("meaning", "which")
        or not DEFINITION.search(asked.text)
        or len({term.group for term in telling}) != 1
    ):
        return True
    last = figured(telling[-1].shown)
    return bool(
        re.search(re.escape(last) + r"s?" + DEFINING, figured(statement.text))
        or re.search(rf"[（(]\s*{re.escape(last)}\s*[)）]", figured(statement.text))
    )


DEFINITION = re.compile(
    r"^\W*what (?:is|are|was|were|does|do) (?:an? |the )?[\w&.'-]+(?: [\w&.'-]+){0,2}(?: mean| stand for)?\W*$"
    r"|^[^をがにで]*とは|の略|の意味|は何(?:の略)?(?:です|でしょう)?か?[?？。]?$|って何",
    re.IGNORECASE,
)


def noise_of(asked: Asked, statement: Statement) -> float:
    """Return the share of the words of its title and heading that the question does not have."""
    above = " ".join(statement.above)
    runs = {run for run in words_of(above).runs if len(run) > 1}
    question = words_of(asked.text)
    if not runs:
        return 0.0
    return sum(1 for run in runs if run not in question.text) / len(runs)
