"""Searching everything that the person may read."""

import asyncio
from dataclasses import dataclass

from plugins.document_search.folder import shelf_of_folder
from plugins.document_search.knowledge import base_of, readable, shelves_of
from plugins.document_search.meaning import nearest
from plugins.document_search.opensearch import of_rank, shelf_of_opensearch
from plugins.document_search.planning import Plan
from plugins.document_search.ranking import Scored, merged
from plugins.document_search.turn import Turn


@dataclass
class Found:
    best: list[Scored]
    names: list[str]
    """What was searched."""
    documents: int


async def searched(turn: Turn, plan: Plan) -> Found:
    """Search what this person may read at this moment; asked again at the end, as a search can take a while."""
    bases = [await base_of(record) for record in await readable(turn)]
    async with asyncio.TaskGroup() as tasks:
        of_bases = tasks.create_task(shelves_of(turn, [base for base in bases if not base.external]))
        of_folder = tasks.create_task(shelf_of_folder(turn))
        of_index = tasks.create_task(shelf_of_opensearch(turn, plan))
        of_meaning = tasks.create_task(nearest(turn, plan, bases))
    others = [shelf for shelf in (of_folder.result(), of_index.result()) if shelf]
    near = {query: found | of_rank(of_index.result()) for query, found in of_meaning.result().items()}
    best = await asyncio.to_thread(merged, plan.queries, [*of_bases.result(), *others], near)
    still = {record.id for record in await readable(turn)}
    kept = [base for base in bases if base.id in still]
    if len(kept) < len(bases):
        turn.note("gone")
        best = [each for each in best if not each.passage.base or each.passage.base in still]
    names = [base.name for base in kept] + [shelf.name for shelf in others]
    return Found(best, names, sum(len(base.files) for base in kept) + sum(shelf.documents for shelf in others))
