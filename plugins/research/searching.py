"""Searching all places."""

import asyncio
from typing import Any

from plugins.research.documents import document_place
from plugins.research.run import Place, Run, Source
from plugins.research.similarity import grams, overlap
from plugins.research.tools import tool_places
from plugins.research.turn import Turn
from plugins.research.web import web_place
from plugins.shared.log import log

SEARCH_SECONDS = 30
MOST_SEARCHES = 24  # a round


async def results(run: Run, query: str, place: Place) -> list[Source]:
    try:
        async with asyncio.timeout(SEARCH_SECONDS):
            return (await place.search(query))[:20]
    except Exception as error:  # engines and tools raise what they like
        log.warning("research: a search failed: %s", type(error).__name__)
        run.unsearched[place.name] = None
        return []


async def searched(run: Run, queries: list[str], places: list[Place]) -> None:
    """Search all queries at all places, some at a time."""
    turn, gate = run.turn, asyncio.Semaphore(run.valves.searches_at_once)
    jobs = [(query, place) for query in queries for place in places][:MOST_SEARCHES]
    done = 0
    await turn.say(
        f"{turn.text['plan']}: {' / '.join(queries)}", action="web_search_queries_generated", queries=queries
    )

    async def search(query: str, place: Place) -> None:
        nonlocal done
        async with gate:
            found = await results(run, query, place)
        done += 1
        for rank, source in enumerate(found):
            run.take(source, 1 / (rank + 3) + overlap(grams(query), grams(f"{source.name} {source.text[:1000]}")))
        await turn.say(turn.text["searching"].format(query=query, done=done, total=len(jobs)))

    async with asyncio.TaskGroup() as group:
        for query, place in jobs:
            group.create_task(search(query, place))


async def places_of(turn: Turn, valves: Any) -> list[Place]:
    """Return where this person may search now."""
    user = turn.person
    web = await web_place(turn, user) if valves.web else None
    documents = await document_place(turn, user) if valves.documents else None
    return [*filter(None, (web, documents)), *(tool_places(turn.tools) if valves.tools else ())]
