"""Each number in the report leads to a source that says something like it."""

import re

from plugins.research.clean import clean
from plugins.research.run import Run
from plugins.research.similarity import grams, mostly_latin

SUPPORT = 0.15  # the share of a statement's words that a source must have
SHORTEST_CLAIM = 12
NO_CLAIM = re.compile(r"^\s*(#|\|[\s|:-]+$|---)|[:：]\s*$")  # headings, lines of tables, what leads to a list
CITED = re.compile(r"[\[【]\^?(\d+(?:\s*[,、]\s*\d+)*)[\]】]")


def said_by(run: Run, number: int) -> set[str]:
    notes = (note for note in run.notes if note.source.number == number)
    return set().union(*(grams(f"{note.claim} {note.quote}") for note in notes))


def supports(run: Run, number: int, statement: set[str]) -> bool:
    """Return whether a source's notes have to do with a statement; two languages cannot be compared and pass."""
    said = said_by(run, number)
    if said and mostly_latin(said) != mostly_latin(statement):
        return True
    return len(statement & said) > SUPPORT * len(statement)


def finished(run: Run, line: str) -> str:
    """Return a line of the model's report: each number leads to a source that says something like it, or it says that
    none does."""
    text, parts, before = clean(line, run.urls, run.text), list[str](), 0
    statement: set[str] = set()
    for match in CITED.finditer(text):
        said = text[before : match.start()]
        statement, before = grams(said) or statement, match.end()
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        proven = "".join(f"[{number}]" for number in numbers if supports(run, number, statement))
        parts += [said, proven or run.text["no_source"]]
    rest = text[before:]
    prose = len(rest.strip("\t .,;。、*_|-")) >= SHORTEST_CLAIM and not NO_CLAIM.search(rest)
    return "".join([*parts, rest, f" {run.text['no_source']}" if prose else "", "\n"])
