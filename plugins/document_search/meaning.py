"""Search by meaning, with Open WebUI's embeddings and vector store."""

import asyncio
import re

from open_webui.config import RAG_EMBEDDING_QUERY_PREFIX
from open_webui.retrieval.external import retrieve_external_knowledge
from open_webui.retrieval.vector.async_client import ASYNC_VECTOR_DB_CLIENT

from plugins.document_search.knowledge import VECTOR_SECONDS, Base, passages_of
from plugins.document_search.passages import LONGEST_PASSAGE, Passage
from plugins.document_search.planning import Plan
from plugins.document_search.ranking import Near, scaled
from plugins.document_search.turn import Turn
from plugins.shared.json_values import label
from plugins.shared.log import log
from plugins.shared.visible import visible

EMBEDDING_SECONDS = 15
BUSY = (429, 503)
NEAREST = 100  # by meaning, of each knowledge base


def why_no_embeddings(error: Exception) -> tuple[str, str]:
    """Return the key of a note, and its seconds: a server that is busy can be reached, and says when to ask again."""
    if getattr(error, "status", 0) not in BUSY:
        return "words_only", ""
    told = str((getattr(error, "headers", None) or {}).get("Retry-After") or "").strip()
    return ("words_busy_seconds", told) if re.fullmatch(r"[1-9]\d{0,3}", told) else ("words_busy", "")


async def embedded(turn: Turn, queries: list[str]) -> list[list[float]]:
    """Return vectors of the queries, or nothing if the embeddings' server does not answer."""
    function = getattr(turn.request.app.state, "EMBEDDING_FUNCTION", None)
    vectors = None
    try:
        asking = function(queries, prefix=RAG_EMBEDDING_QUERY_PREFIX, user=turn.person) if function else None
        vectors = await asyncio.wait_for(asking, EMBEDDING_SECONDS) if asking else None
    except Exception as error:  # whatever stands behind it
        log.warning("document_search: no embeddings (%s)", type(error).__name__)
        key, seconds = why_no_embeddings(error)
        turn.note(key, seconds=seconds)
        return []
    if vectors and len(vectors) == len(queries):
        return list(vectors)
    turn.note("words_only")
    return []


async def nearest_within(base: Base, vector: list[float], near: Near, room: asyncio.Semaphore) -> None:
    async with room:
        try:
            search = ASYNC_VECTOR_DB_CLIENT.search(base.id, [vector], limit=NEAREST)
            stored = await asyncio.wait_for(search, VECTOR_SECONDS)
        except Exception as error:  # whatever a vector store raises, also where the collection was just deleted
            log.warning("document_search: %s was not searched by meaning (%s)", base.id, type(error).__name__)
            return
    near |= {passage.key: (nearness, passage) for passage, nearness in passages_of(base, stored)}


def rank_of(at: int) -> float:
    """Return a similarity for a place in another engine's list."""
    return 1.0 - 0.05 * min(at, 19)


async def nearest_outside(turn: Turn, base: Base, plan: Plan, near: Near) -> None:
    """Search a knowledge base whose passages Qdrant, Milvus or PostgreSQL keeps, as Open WebUI is set up for it."""
    try:
        asking = retrieve_external_knowledge(turn.request, base.external, plan.queries[:1], 20, user=turn.person)
        results = await asyncio.wait_for(asking, VECTOR_SECONDS)
    except Exception as error:  # whatever is outside
        log.warning("document_search: %s cannot be read (%s)", base.id, type(error).__name__)
        turn.note("unread", name=base.name)
        return
    for at, (text, about) in enumerate(zip(results["documents"][0], results["metadatas"][0], strict=False)):
        name = label(about.get("name") or about.get("source")) or base.name
        url = label(about.get("source")) if str(about.get("source")).startswith("https://") else ""
        kept = visible(str(text))[:LONGEST_PASSAGE]
        passage = Passage(f"{base.id}:{at}", kept, visible(name), url=url, base=base.id)
        near[passage.key] = (rank_of(at), passage)


async def nearest(turn: Turn, plan: Plan, bases: list[Base]) -> dict[str, Near]:
    """Return for each query the nearest passages, through Open WebUI's own embeddings and vector store."""
    near: dict[str, Near] = {query: {} for query in plan.queries}
    outside: Near = {}
    local = [base for base in bases if not base.external and base.files]
    async with asyncio.TaskGroup() as tasks:
        for base in bases:
            if base.external:
                tasks.create_task(nearest_outside(turn, base, plan, outside))
        vectors = await embedded(turn, plan.queries) if turn.valves.embeddings and local else []
        if vectors:
            room = asyncio.Semaphore(8)
            for query, vector in zip(plan.queries, vectors, strict=True):
                for base in local:
                    tasks.create_task(nearest_within(base, vector, near[query], room))
    if vectors and not any(near.values()):
        turn.note("words_only")
    return {query: scaled(found) | outside for query, found in near.items()}
