"""Reading sources, and taking notes."""

import asyncio

from plugins.research.budget import REPORT_TOKENS, tokens_of
from plugins.research.clean import clean, listed
from plugins.research.material import material
from plugins.research.notes import noted
from plugins.research.run import Run, Source, Unread
from plugins.shared.types import Json


def chosen(run: Run, count: int) -> list[Source]:
    """Return the best sources that were not read yet."""
    left = run.valves.max_pages - sum(source.done for source in run.sources.values())
    unread = [source for source in run.sources.values() if not source.done]
    best = sorted(unread, key=lambda source: -source.score)[: max(0, min(count, left))]
    for order, source in enumerate(best, len(run.sources) - len(unread) + 1):
        source.order = source.order or order
    return best


async def read_one(run: Run, source: Source) -> None:
    source.done = True
    whole = source.read is None
    if source.read:
        try:
            source.name, source.text = await source.read()
            whole = True
        except Unread as unread:
            source.why = unread.why
    known = {note.quote for note in run.notes if note.source is source}
    new = {note.quote: note for note in await noted(run, source, whole) if note.quote not in known}
    run.notes += new.values()
    if new:
        run.budget.report_tokens = tokens_of(material(run)) + REPORT_TOKENS
        lines = listed(f"{note.claim} — “{note.quote}”" for note in new.values())
        await run.turn.think(clean(f"**{source.name}**\n{lines}\n\n", {source.url}, run.text))


async def read(run: Run, sources: list[Source]) -> None:
    """Read sources and take notes, some sources at a time."""
    turn, gate = run.turn, asyncio.Semaphore(run.valves.searches_at_once)
    done = 0
    public = [source.url for source in sources if source.url and not source.private]
    about: Json = {"action": "web_search", "urls": public} if public else {}
    await turn.say(turn.text["chosen"].format(count=len(sources)), **about)

    async def one(source: Source) -> None:
        nonlocal done
        async with gate:
            await read_one(run, source)
        done += 1
        await turn.say(turn.text["reading"].format(done=done, total=len(sources)))

    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(one(source))
