"""Checking a model's sentences against the passages."""

import re
from dataclasses import dataclass

from plugins.document_search.asked import Asked
from plugins.document_search.passages import Passage
from plugins.document_search.plain import plain, quiet
from plugins.document_search.statements import statements_of
from plugins.document_search.support import has_subject, nearest_statement, supports
from plugins.document_search.turn import Turn

CITATION = re.compile(r"[ \t]*[\[【](\d{1,3}(?:[,、 ]+\d{1,3})*)[\]】]")


def trailing(part: str) -> str:
    return part[len(part.rstrip()) :]


@dataclass
class Check:
    """Let through what the passages support, with citations of those that do."""

    turn: Turn
    passages: list[Passage]
    asked: Asked
    kept: int = 0
    dropped: int = 0
    refused: bool = False

    def __post_init__(self) -> None:
        self.quiet = [quiet(f"{passage.name}\n{passage.heading}\n{passage.text}") for passage in self.passages]
        self.statements = [statements_of(passage) for passage in self.passages]
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
            backing = [number for number in cited if self.backs(number, said, cited=True)]
            cited = backing or [number for number in others if self.backs(number, said)][:1]
            if not cited:
                self.dropped += 1
                return ""
        self.kept += 1
        marks = "".join(f"[{self.cite(number, said)}]" for number in cited)
        lead = "\n\n" if part.startswith("\n") and self.kept > 1 else ""
        return lead + said + (f" {marks}" if marks else "") + (trailing(part) or " ")

    def backs(self, number: int, said: str, cited: bool = False) -> bool:
        """Return whether a passage is about what was asked, and says what the sentence says."""
        text = self.quiet[number - 1]
        return has_subject(self.asked, text) and supports(text, said, cited, self.statements[number - 1])

    def cite(self, number: int, said: str) -> int:
        """Return the number of the passage in this answer; what backs the sentence is marked where it opens."""
        return self.turn.cite(self.passages[number - 1], nearest_statement(said, self.statements[number - 1]))
