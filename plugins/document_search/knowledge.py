"""Knowledge bases of Open WebUI."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from open_webui.config import BYPASS_ADMIN_ACCESS_CONTROL
from open_webui.models.knowledge import Knowledges
from open_webui.retrieval.vector.async_client import ASYNC_VECTOR_DB_CLIENT

from plugins.document_search.extents import Chunks, passages_in
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


def shelved(base: Base, chunks: list[Passage], files: list[Any]) -> Shelf:
    """Build a shelf of the files' texts, cut along their structure; of its chunks where a file has no text."""
    of_file: dict[str, list[Passage]] = defaultdict(list)
    for chunk in chunks:
        of_file[chunk.file_id].append(chunk)
    passages: list[Passage] = []
    of_chunk: dict[str, list[int]] = defaultdict(list)
    for file in files:
        document = Passage("", "", visible(file.filename), file_id=file.id, base=base.id)
        text = visible(words((file.data or {}).get("content")))
        if text.strip():
            known = Chunks(of_file.pop(file.id, []))
            for passage in passages_in(f"{base.id}:{file.id}", text, document):
                held = known.of(passage)
                for chunk in held:
                    of_chunk[chunk.key].append(len(passages))
                passages.append(passage._replace(place=held[0].place, name=held[0].name) if held else passage)
    passages += [chunk for left in of_file.values() for chunk in left]
    shelf = shelf_of(base.name, passages, len(base.files))
    shelf.of_chunk = dict(of_chunk)
    return shelf


async def knowledge_shelf(base: Base) -> Shelf:
    """Read the files' texts, and which passages the chunks in the vector store hold."""
    if len(base.files) > MOST_DOCUMENTS:
        return Shelf(base.name, [], None, len(base.files), read_at=time.monotonic())
    chunks: list[Passage] = []
    with suppress(Exception):  # Chroma raises where a collection does not exist
        stored = await asyncio.wait_for(ASYNC_VECTOR_DB_CLIENT.get(base.id), VECTOR_SECONDS)
        chunks = await asyncio.to_thread(lambda: [passage for passage, _ in passages_of(base, stored)])
    files = await Knowledges.get_files_by_id(base.id) if base.files else []
    return await asyncio.to_thread(shelved, base, chunks, files)


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
