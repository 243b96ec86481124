"""Searching everything that the person may read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from plugins.document_search.folder import shelf_of_folder
from plugins.document_search.index import Shelf
from plugins.document_search.knowledge import base_of, readable, shelves_of
from plugins.document_search.meaning import nearest
from plugins.document_search.opensearch import of_rank, shelf_of_opensearch
from plugins.document_search.planning import Plan
from plugins.document_search.ranking import Near, Scored, merged
from plugins.document_search.turn import Turn
from plugins.document_search.weights import Weights


def of_passages(shelves: list[Shelf], near: Near) -> Near:
    """Return how near passages are by meaning, from the nearness of the vector store's chunks that hold them."""
    found: Near = {}
    for key, (nearness, chunk) in near.items():
        held = [shelf.passages[at] for shelf in shelves if shelf.index for at in shelf.of_chunk.get(key, ())]
        for passage in held or [chunk]:
            if passage.key not in found or found[passage.key][0] < nearness:
                found[passage.key] = (nearness, passage)
    return found


@dataclass
class Found:
    best: list[Scored]
    names: list[str]
    """What was searched."""
    documents: int
    rare: Callable[[str], float]
    """How rare a word is in all of it, 0 to 1."""


async def searched(turn: Turn, plan: Plan) -> Found:
    """Search what this person may read at this moment; asked again at the end, as a search can take a while."""
    bases = [await base_of(record) for record in await readable(turn)]
    async with asyncio.TaskGroup() as tasks:
        of_bases = tasks.create_task(shelves_of(turn, [base for base in bases if not base.external]))
        of_folder = tasks.create_task(shelf_of_folder(turn))
        of_index = tasks.create_task(shelf_of_opensearch(turn, plan))
        of_meaning = tasks.create_task(nearest(turn, plan, bases))
    others = [shelf for shelf in (of_folder.result(), of_index.result()) if shelf]
    near = {
        query: of_passages(of_bases.result(), found) | of_rank(of_index.result())
        for query, found in of_meaning.result().items()
    }
    shelves = [*of_bases.result(), *others]
    best = await asyncio.to_thread(merged, plan.queries, shelves, near)
    still = {record.id for record in await readable(turn)}
    kept = [base for base in bases if base.id in still]
    if len(kept) < len(bases):
        turn.note("gone")
        best = [each for each in best if not each.passage.base or each.passage.base in still]
    names = [base.name for base in kept] + [shelf.name for shelf in others]
    return Found(
        best,
        names,
        sum(len(base.files) for base in kept) + sum(shelf.documents for shelf in others),
        Weights("", shelves).rare,
    )
