"""Whether a text holds the words of a question."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from plugins.document_search.asked import JAPANESE_RUN, ROMAN_NUMERAL, WORDS, Term
from plugins.document_search.language import in_cjk
from plugins.document_search.roots import figured, root
from plugins.document_search.synonyms import SAME_ENGLISH, SAME_JAPANESE
from plugins.document_search.vocabulary import TAILS

LONGEST_COMPOUND = 20  # signs of a Japanese word that is looked for in parts
PEOPLES = ("ian", "an", "n", "ese", "ish", "i")  # endings that make people of a country
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}
ERA = re.compile(r"(令和|平成|昭和)(\d{1,2}|元)年")


class Words(NamedTuple):
    """A text, ready to be compared."""

    text: str
    runs: tuple[str, ...]
    found: frozenset[str]
    romans: frozenset[str]


def with_years(text: str) -> str:
    """Return the text with the years of Japanese eras also as those of our calendar."""
    return ERA.sub(
        lambda match: f"{match.group()}({ERAS[match.group(1)] + int(match.group(2).replace('元', '1'))}年)", text
    )


@lru_cache(maxsize=4_000)
def words_of(text: str) -> Words:
    """Return the words of a text."""
    plain = with_years(figured(text))
    runs = tuple(match.group() for match in (JAPANESE_RUN if in_cjk(plain) else WORDS).finditer(plain))
    found = set(runs)
    for run in runs:
        if not in_cjk(run):
            found.update((root(run), run.replace("-", "")))
            if not re.search(r"\d", run):
                found.update(root(part) for part in re.split(r"[-/'’.]", run) if part)
            found.update(re.findall(r"\d+(?:\.\d+)?", run) if re.fullmatch(r"[\d.:/-]+|\d+\D*", run) else ())
        else:
            found.add(run.rstrip("ー"))
            found.update(re.findall(r"^\d+(?:\.\d+)?", run))
    found.update(
        first + second for first, second in pairwise(runs) if re.search(r"\d", second) and not in_cjk(first + second)
    )
    romans = {word for word in WORDS.findall(text) if ROMAN_NUMERAL.match(word)}
    return Words(plain, runs, frozenset(found), frozenset(romans))


def holds(term: Term, words: Words) -> float:
    """Return how well a text holds a term: 1 as it is, less for another word that says the same, 0 not at all."""
    if term.text.startswith("#"):
        return float(term.text[1:] in words.romans)
    if in_cjk(term.text):
        return holds_japanese(term.text, words)
    base = term.text
    if base in words.found or base.replace("-", "") in words.found:
        return 1.0
    if re.search(r"\d", base):
        return 0.0
    if any(each in words.found or (" " in each and each in words.text) for each in SAME_ENGLISH.get(base, ())):
        return 0.95
    if "-" in base and all(root(part) in words.found for part in base.split("-") if part):
        return 0.95
    if len(base) > 3 and any(each.startswith(base) and each[len(base) :] in PEOPLES for each in words.found):
        return 0.9
    if len(base) > 6 and any(each[:6] == base[:6] and abs(len(each) - len(base)) < 4 for each in words.found):
        return 0.85
    return 0.0


def stands_in(run: str, words: Words) -> bool:
    """Return whether a Japanese run stands in a text as a word, not as a part of another in katakana."""
    if re.fullmatch(r"[\u30a1-\u30ffー]+", run):
        bare = run.rstrip("ー")
        return bare in words.found or any(
            len(bare) > 3 and re.match(r"[\u30a1-\u30ff]", each) and (each.startswith(bare) or each.endswith(run))
            for each in words.runs
        )
    if re.match(r"\d", run):
        return bool(re.search(rf"(?<![\d.]){re.escape(run)}", words.text))
    if not in_cjk(run):
        return run.lower() in words.found
    return run in words.text


def any_stands(run: str, words: Words) -> bool:
    return stands_in(run, words) or any(stands_in(each, words) for each in SAME_JAPANESE.get(run, ()))


def holds_japanese(run: str, words: Words) -> float:
    if stands_in(run, words):
        return 1.0
    if any(stands_in(each, words) for each in SAME_JAPANESE.get(run, ())):
        return 0.95
    if not 3 <= len(run) <= LONGEST_COMPOUND or not re.match(r"[\u3400-\u9fff]", run):
        return 0.0
    return composed(run, words)


def composed(run: str, words: Words) -> float:
    """Return the share of a compound whose parts stand in the text: 宿泊費上限 as 宿泊費 and 上限."""
    at, held, missing = 0, 0, 0
    while at < len(run):
        end = next((end for end in range(len(run), at + 1, -1) if any_stands(run[at:end], words)), 0)
        if end:
            held, at = held + end - at, end
        else:
            tail = at > 0 and run[at] in TAILS and at == len(run) - 1
            missing += 0 if tail else 1
            at += 1
    return 0.9 if held and not missing else 0.0 if not held else 0.9 * held / (held + 2 * missing)


def follows(term: Term, before: Term | None, words: Words) -> bool:
    """Return whether a bare number or numeral stands behind the same word as in the question: line 5, サンライト60."""
    if (
        before is None
        or before.group != term.group
        or not re.fullmatch(r"#[IVX]+|\d+", term.text)
        or re.fullmatch(r"(?:19|20)\d\d", term.text)
    ):
        return True
    figure = term.text.removeprefix("#").lower()
    near = rf"{re.escape(before.shown.lower())}s?[\s\-‐–]*{re.escape(figure)}(?![\d.]*\d|[ivx])"
    return bool(re.search(near, words.text))


EXTENDED = re.compile(r"\s([A-Z][A-Za-z]*|[IVX]+)\b|([\u30a1-\u30ffA-Za-z]+)")


def is_extended(term: Term, text: str, question: str) -> bool:
    """Return whether a code is only a part of a longer name in the text: MT-7 in MT-7 Pro."""
    if not re.search(r"\d", term.text) or in_cjk(term.text):
        return False
    ends = [match.end() for match in re.finditer(rf"(?<![\w-]){re.escape(term.shown)}(?![\w-])", text, re.IGNORECASE)]
    ends = ends or [
        match.end() for match in re.finditer(rf"{re.escape(term.shown)}(?=[\u30a1-\u30ff])", text, re.IGNORECASE)
    ]
    extended = [match for end in ends if (match := EXTENDED.match(text, end))]
    names = [match.group(1) or match.group(2) for match in extended]
    return bool(ends) and len(names) == len(ends) and not any(name.lower() in question.lower() for name in names)
