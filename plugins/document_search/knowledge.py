"""Knowledge bases of Open WebUI."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from open_webui.config import BYPASS_ADMIN_ACCESS_CONTROL
from open_webui.models.knowledge import Knowledges
from open_webui.retrieval.vector.async_client import ASYNC_VECTOR_DB_CLIENT

from plugins.document_search.cutting import cut
from plugins.document_search.index import Shelf, shelf_of
from plugins.document_search.library import kept_shelf
from plugins.document_search.passages import LONGEST_PASSAGE, Passage
from plugins.document_search.turn import Turn, split_list
from plugins.shared.groups import groups_of
from plugins.shared.json_values import dict_of, dicts, label, words
from plugins.shared.types import Json
from plugins.shared.visible import visible

MOST_BASES = 300  # knowledge bases in one search
MOST_DOCUMENTS = 20_000  # in one shelf, to be searched by words
VECTOR_SECONDS = 60


@dataclass(frozen=True)
class Base:
    """A knowledge base as this person sees it."""

    id: str
    name: str
    external: Any
    """Its record, where its passages are kept outside of Open WebUI."""
    files: frozenset[str]
    state: str


async def base_of(record: Any) -> Base:
    external = record if (record.meta or {}).get("source") == "external" else None
    files = [] if external else await Knowledges.get_file_metadatas_by_id(record.id)
    state = str(hash(tuple(sorted((file.id, file.hash, file.updated_at) for file in files))))
    return Base(record.id, record.name, external, frozenset(file.id for file in files), state)


async def readable(turn: Turn) -> list[Any]:
    """Return the knowledge bases that this person may read, as Open WebUI decides at this moment."""
    filter: Json = {}
    if turn.user.get("role") != "admin" or not BYPASS_ADMIN_ACCESS_CONTROL:
        filter = {"user_id": turn.user["id"], "group_ids": list(await groups_of(turn.user["id"]))}
    listed = await Knowledges.search_knowledge_bases(turn.user["id"], filter=filter, skip=0, limit=1000)
    chosen = {str(item.get("id")) for item in dicts(turn.files) if item.get("type") == "collection"}
    wanted = set(split_list(turn.valves.knowledge))
    known = [base for base in listed.items if not wanted or {base.id, base.name} & wanted]
    known = [base for base in known if not chosen or base.id in chosen]
    if len(known) > MOST_BASES:
        turn.note("more", count=MOST_BASES)
    return known[:MOST_BASES]


def passages_of(base: Base, stored: Any) -> Iterator[tuple[Passage, float]]:
    """Yield passages with their similarity from a vector store's result, without files that left the knowledge base."""
    if not stored or not stored.ids or not stored.documents:
        return
    ids, texts, abouts = stored.ids[0], stored.documents[0], (stored.metadatas or [[]])[0]
    near = (getattr(stored, "distances", None) or [[]])[0] or [0.0] * len(ids)
    for id, text, about, nearness in zip(ids, texts, abouts, near, strict=False):
        about = dict_of(about)
        file = str(about.get("file_id") or "")
        if text and (not file or file in base.files):
            name = label(about.get("name") or about.get("title") or about.get("source")) or base.name
            page = about.get("page")
            place = page + 1 if isinstance(page, int) and page >= 0 else 0
            kept = visible(str(text))[:LONGEST_PASSAGE]
            yield Passage(f"{base.id}:{id}", kept, visible(name), place, file, base=base.id), float(nearness)


def pieces(base: Base, file: Any) -> Iterator[Passage]:
    for at, piece in enumerate(cut(visible(words((file.data or {}).get("content"))))):
        yield Passage(f"{base.id}:{file.id}:{at}", piece, visible(file.filename), 0, file.id, base=base.id)


async def knowledge_shelf(base: Base) -> Shelf:
    """Read the passages that Open WebUI made; where it made none, as without embeddings, cut the files' texts."""
    if len(base.files) > MOST_DOCUMENTS:
        return Shelf(base.name, [], None, len(base.files), read_at=time.monotonic())
    passages: list[Passage] = []
    with suppress(Exception):  # Chroma raises where a collection does not exist
        stored = await asyncio.wait_for(ASYNC_VECTOR_DB_CLIENT.get(base.id), VECTOR_SECONDS)
        passages = await asyncio.to_thread(lambda: [passage for passage, _ in passages_of(base, stored)])
    if not passages and base.files:
        files = await Knowledges.get_files_by_id(base.id)
        passages = await asyncio.to_thread(lambda: [piece for file in files for piece in pieces(base, file)])
    return await asyncio.to_thread(shelf_of, base.name, passages, len(base.files))


async def shelves_of(turn: Turn, bases: list[Base]) -> list[Shelf]:
    shelves = []
    for base in bases:
        if shelf := await kept_shelf(base.id, base.state, partial(knowledge_shelf, base)):
            shelves.append(shelf)
        else:
            turn.note("unread", name=base.name)
        if shelf and shelf.index is None:
            turn.note("large", name=base.name)
    return shelves
