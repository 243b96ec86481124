"""The report."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

from plugins.research.asking import rules, spoken
from plugins.research.budget import NoCall, quota, spent_line
from plugins.research.clean import clean, listed
from plugins.research.material import material
from plugins.research.notes import extracts
from plugins.research.proof import finished
from plugins.research.run import Run, Source
from plugins.shared.models import ModelTrouble

MOST_LISTED = 10
REPORT_SECONDS = 600


def model_why(run: Run, text: dict[str, str]) -> str:
    trouble = run.budget.trouble or ModelTrouble(0, "", "")
    by_status = {401: "key", 403: "key", 404: "missing", 429: "busy", 503: "busy"}
    key = "quota" if quota(trouble) else by_status.get(trouble.status, "failed")
    return text[f"model_{key}"].format(model=run.valves.model)


async def cite(run: Run, used: list[Source]) -> None:
    """Send the passages that the numbers open; addresses for programs."""
    found = []
    for source in used:
        quotes = [clean(note.quote, run.urls, run.text) for note in run.notes if note.source is source]
        about = {"source": source.key, "name": source.name, **({"url": source.url} if source.url else {})}
        shown = {"name": source.name, **({"url": source.url} if source.url else {})}
        if not source.shown:
            await run.turn.emit("source", {"source": shown, "document": quotes, "metadata": [about] * len(quotes)})
        if source.url:
            place = {"url": source.url, "title": source.name, "start_index": 0, "end_index": 0}
            found.append({"type": "url_citation", "url_citation": place})
    if found and not run.turn.in_chat:
        await run.turn.pieces.put({"annotations": found})


async def written(run: Run) -> None:
    """Write the report with the model, line by line; what it leaves undone is made of the notes."""
    begun, line = False, ""
    try:
        async with (
            asyncio.timeout(REPORT_SECONDS),
            aclosing(spoken(run, "report", rules(run, "report"), material(run))) as pieces,
        ):
            async for piece in pieces:
                *lines, line = (line + piece).split("\n")
                for whole in lines:
                    await run.turn.write(finished(run, whole))
                    begun = begun or bool(whole.strip())
        await run.turn.write(finished(run, line))
        if begun or line.strip():
            return
        run.budget.trouble = ModelTrouble(0, "", "empty")
    except (NoCall, ModelTrouble, TimeoutError):
        if begun or line.strip():
            why = run.text["model_cut"].format(why=model_why(run, run.text))
            await run.turn.write(f"{finished(run, line)}\n\n*{why}*\n\n")
    await run.turn.write(f"## {run.text['notes' if begun else 'findings']}\n")
    for at, question in enumerate(run.questions):
        notes = [note for note in run.notes if note.question == at]
        lines = [f"{clean(note.claim, run.urls, run.text)} [{note.source.number}]" for note in notes]
        await run.turn.write(f"\n**{clean(question, run.urls, run.text)}**\n\n{listed(lines)}\n" if notes else "")


def closing(run: Run, used: list[Source]) -> Iterator[tuple[str, list[str]]]:
    """Yield headings and lines of what is known without a model."""
    text, answered = run.text, {note.question for note in run.notes}
    pairs = [
        f"{one.claim} [{one.source.number}] ↔ {two.claim} [{two.source.number}] — {why}"
        for one, two, why in run.contradictions
    ]
    yield "contradictions", pairs
    open_ones = [question for at, question in enumerate(run.questions) if at not in answered] + run.missing
    unread = [source for source in run.sources.values() if source.why]
    named = [
        text["not_read"].format(source=source.name, why=text[f"why_{source.why}"]) for source in unread[:MOST_LISTED]
    ]
    more = [text["and_more"].format(count=len(unread) - MOST_LISTED)] if len(unread) > MOST_LISTED else []
    places = [text["not_searched"].format(place=place) for place in run.unsearched]
    yield "missing", [*(text["no_notes"].format(question=one) for one in open_ones), *places, *named, *more]
    yield "sources", [f"[{one.number}] {one.name}" + (f" {one.url}" if one.url else "") for one in used]


def remarked(run: Run) -> Iterator[str]:
    """Yield what the reader must know about how the report came about."""
    budget, text = run.budget, run.text
    if budget.over:
        yield text[f"over_{budget.over}"].format(limit=f"{budget.limits[budget.over]:,g}")
    if budget.trouble:
        yield text["over_model"].format(why=model_why(run, text))
    if not budget.spent.calls and run.notes:
        yield text["model_none"]


async def reported(run: Run) -> None:
    """Send the sources, so that their numbers open while the report is written, then the report."""
    turn, text = run.turn, run.text
    await turn.say(turn.text["writing"].format(spent=spent_line(turn.text, run.budget.spent)))
    if not run.notes:  # the time was over before anything was read
        best = sorted(run.sources.values(), key=lambda source: -source.score)[:MOST_LISTED]
        run.notes = [note for source in best for note in extracts(run, source, source.text)]
    run.sort()
    run.unite()
    used = run.numbered()
    await cite(run, used)
    if run.notes:
        await written(run)
    else:
        places = ", ".join(place.name for place in run.places) or "–"
        await turn.write(text["nothing"].format(places=places) + "\n")
    known = {source.url for source in run.sources.values()}
    for heading, lines in closing(run, used):
        lines = [clean(line, known, text) for line in lines]
        await turn.write(f"\n\n## {text[heading]}\n\n{listed(lines)}" if lines else "")
    if remarks := list(remarked(run)):
        await turn.write("\n\n---\n\n" + "\n".join(f"*{remark}*  " for remark in remarks))
