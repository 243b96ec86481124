"""The run from its plan to its report."""

import asyncio

from plugins.research.clean import clean, listed
from plugins.research.planning import corrected, planned
from plugins.research.reading import chosen, read
from plugins.research.report import reported
from plugins.research.reviewing import reviewed
from plugins.research.run import DEPTHS, Run, private
from plugins.research.searching import searched
from plugins.shared.log import log


async def gathered(run: Run) -> None:
    """Plan, then search and read in rounds until nothing is missing."""
    count, rounds, sources = DEPTHS[run.choice.depth]
    run.questions = await corrected(run, await planned(run, count))
    await run.turn.think(clean(f"**{run.text['plan']}**\n{listed(run.questions)}\n\n", set(), run.text))
    queries, places = run.questions, run.places
    for left in reversed(range(rounds)):
        await searched(run, queries, places)
        await read(run, chosen(run, sources))
        run.missing = await reviewed(run, last=not left)
        if not left or not run.missing:
            return
        run.questions, queries, run.missing = [*run.questions, *run.missing], run.missing, []
        # What was read in the company must not leave it in a query.
        places = [place for place in run.places if place.private] if private(run) else run.places


async def research(run: Run) -> None:
    """Gather until the time is over, then write the report."""
    limit = asyncio.timeout(run.budget.limits["minutes"] * 60 or None)
    try:
        async with limit:
            await gathered(run)
    except TimeoutError:
        if not limit.expired():
            raise
        run.budget.over = run.budget.over or "minutes"
    await reported(run)


async def worked(run: Run) -> None:
    """Run to the end, which goes into the queue too, but not if nobody reads any more."""
    try:
        await research(run)
    except Exception:
        log.exception("research")
        await run.turn.pieces.put({"error": {"message": run.turn.text["broken"]}})
    await run.turn.pieces.put(None)
