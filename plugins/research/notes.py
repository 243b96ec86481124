"""Notes: what a source says, with the words that prove it."""

import asyncio
import re

from plugins.research.asking import json_asked, rules
from plugins.research.readable import readable
from plugins.research.run import Note, Run, Source, closest
from plugins.research.similarity import SENTENCES, grams, nearest, overlap
from plugins.shared.json_values import dicts, label, words
from plugins.shared.types import Json

MOST_NOTES = 6  # of a source
SHORTEST_READ = 120  # characters, as are all below; what is shorter needs no model
LONGEST_QUOTE = 500
LONGEST_CLAIM = 500


def figures(text: str) -> set[str]:
    return {number.replace(",", "") for number in re.findall(r"\d+(?:[.,]\d+)*", text)}


def passage(quoted: str, text: str) -> str:
    """Return the part of the text that the quote is, white space aside; empty if it is none."""
    wanted = "".join(quoted.split())
    start = "".join(text.split()).find(wanted) if 6 <= len(wanted) <= LONGEST_QUOTE else -1
    if start < 0:
        return ""
    places = [at for at, letter in enumerate(text) if not letter.isspace()]
    return " ".join(text[places[start] : places[start + len(wanted) - 1] + 1].split())


def proved(run: Run, source: Source, row: Json, text: str) -> Note | None:
    """Return a note whose quote stands in the text; with a figure that does not, the claim gives way to the quote."""
    quoted = passage(readable(words(row.get("quote"))).strip("\"'“”「」『』… "), text)
    claim = label(readable(words(row.get("claim"))))[:LONGEST_CLAIM]
    if not quoted:
        return None
    if not claim or figures(claim) - figures(quoted):
        claim = quoted
    number = row.get("question")
    known = isinstance(number, int) and 1 <= number <= len(run.questions)
    return Note(source, int(number) - 1 if known else closest(run, quoted), claim, quoted)  # type: ignore[arg-type]


def extracts(run: Run, source: Source, text: str) -> list[Note]:
    """Return the sentences nearest to the questions, without a model."""
    wanted = [grams(question) for question in (run.turn.question, *run.questions)]
    lines = [line.strip() for line in SENTENCES.split(text)[:2_000]]
    lines = [line for line in lines if (25 if line.isascii() else 10) <= len(line) <= LONGEST_QUOTE]
    rated = [(max(overlap(one, grams(line)) for one in wanted), -at, line) for at, line in enumerate(lines)]
    best = [line for score, _, line in sorted(rated, reverse=True)[:3] if score > 0.15]
    return [Note(source, closest(run, line), line, line) for line in best]


async def noted(run: Run, source: Source, whole: bool) -> list[Note]:
    """Return what the source says about the questions, each with the words that prove it."""
    wanted = [run.turn.question, *run.questions]
    text = await asyncio.to_thread(nearest, source.text, wanted, run.valves.page_characters)
    reply: Json = {}
    if whole and len(text) >= SHORTEST_READ:
        asked = f"The report is about: {run.turn.question}\n\nThe questions:\n" + "\n".join(
            f"{number}. {question}" for number, question in enumerate(run.questions, 1)
        )
        found = f"{asked}\n\nThe source, {source.name}:\n{run.data(text)}"
        reply = await json_asked(run, "notes", rules(run, "notes", count=MOST_NOTES), found)
    answered = dicts(reply.get("notes"))
    proven = [note for row in answered[:MOST_NOTES] if (note := proved(run, source, row, text))]
    return proven if proven or (reply and not answered) else extracts(run, source, text)
