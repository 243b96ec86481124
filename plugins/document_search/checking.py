"""Checking a model's sentences against the passages."""

import re
from dataclasses import dataclass

from plugins.document_search.language import HIRAGANA, in_cjk, normalised, terms
from plugins.document_search.passages import Passage
from plugins.document_search.plain import plain, quiet
from plugins.document_search.turn import Turn

CITATION = re.compile(r"[ \t]*[\[【](\d{1,3}(?:[,、 ]+\d{1,3})*)[\]】]")
SUPPORT = 0.6


def digits(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", normalised(text).replace(",", "")))


def supports(passage: str, said: str, cited: bool = False) -> bool:
    """Return whether the passage has the sentence's numbers and most of its words; in another language, numbers."""
    there, wanted = set(terms(passage)), {term for term in terms(said) if not HIRAGANA.fullmatch(term)}
    if not digits(said) <= digits(passage) or len(wanted) < 2:
        return False
    if in_cjk(said) != in_cjk(passage):
        return cited
    return len(wanted & there) >= SUPPORT * len(wanted)


def trailing(part: str) -> str:
    return part[len(part.rstrip()) :]


@dataclass
class Check:
    """Let through what the passages support, with citations of those that do."""

    turn: Turn
    passages: list[Passage]
    kept: int = 0
    dropped: int = 0
    refused: bool = False

    def __post_init__(self) -> None:
        self.quiet = [quiet(f"{passage.name}\n{passage.text}") for passage in self.passages]
        self.known = "\n".join(self.quiet)

    def nothing_found(self, part: str) -> bool:
        self.refused = self.refused or (not self.kept and part.lstrip(' \n*`"').startswith("NOT_FOUND"))
        return self.refused

    def shown(self, part: str) -> str:
        """Return the sentence as it may be shown, empty if nothing supports it."""
        numbers = [int(number) for found in CITATION.findall(part) for number in re.findall(r"\d+", found)]
        cited = [number for number in dict.fromkeys(numbers) if 0 < number <= len(self.passages)]
        said = plain(CITATION.sub("", part), self.known)
        if not re.search(r"\w", said):
            return ""
        if self.turn.valves.answer == "auto":
            others = [number for number in range(1, len(self.passages) + 1) if number not in cited]
            backing = [number for number in cited if supports(self.quiet[number - 1], said, cited=True)]
            cited = backing or [number for number in others if supports(self.quiet[number - 1], said)][:1]
            if not cited:
                self.dropped += 1
                return ""
        self.kept += 1
        marks = "".join(f"[{self.turn.cite(self.passages[number - 1])}]" for number in cited)
        lead = "\n\n" if part.startswith("\n") and self.kept > 1 else ""
        return lead + said + (f" {marks}" if marks else "") + (trailing(part) or " ")
