"""Reviewing the notes: contradictions, and questions that are still open."""

from plugins.research.asking import json_asked, rules
from plugins.research.clean import listed
from plugins.research.planning import queries_of
from plugins.research.readable import readable
from plugins.research.run import DEPTHS, Note, Run
from plugins.shared.json_values import dicts, items, label, words
from plugins.shared.types import Json


def disputed(row: Json, notes: list[Note]) -> tuple[Note, Note, str] | None:
    """Return two notes of different sources, and why they contradict each other."""
    numbers = [number for number in items(row.get("notes")) if isinstance(number, int) and 1 <= number <= len(notes)]
    pair = [notes[number - 1] for number in numbers[:2]]
    why = label(readable(words(row.get("why"))))
    return (pair[0], pair[1], why) if len(pair) == 2 and pair[0].source is not pair[1].source else None


async def reviewed(run: Run, last: bool) -> list[str]:
    """Find contradictions; return the questions that are still open."""
    count, sources = DEPTHS[run.choice.depth][0], {note.source for note in run.notes}
    if not sources or (last and len(sources) == 1):
        return []
    await run.turn.say(run.turn.text["reviewing"])
    run.sort()
    known = run.notes[:80]
    notes = "\n".join(
        f"{at}. [source {one.source.order}] {one.claim} — “{one.quote}”" for at, one in enumerate(known, 1)
    )
    asked = f"The question: {run.turn.question}\n\nPlanned:\n{listed(run.questions)}\n\nThe notes:\n{run.data(notes)}"
    found = await json_asked(run, "review", rules(run, "review", count=count), asked)
    run.contradictions = [pair for row in dicts(found.get("contradictions"))[:10] if (pair := disputed(row, known))]
    return [query for query in queries_of(found.get("missing"), count) if query not in run.questions]
