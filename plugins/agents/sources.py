"""Reading sources: citations, retrieved documents, search results."""

from collections.abc import Iterator
from typing import Any

from plugins.agents.pieces import LONGEST_PASSAGE, Piece, at, delta_of, web
from plugins.shared.json_values import dict_of, dicts, items, label, words
from plugins.shared.types import Json

SOURCE_LISTS: tuple[tuple[str | int, ...], ...] = (
    ("search_results",),  # Perplexity: titles; before its `citations`, which are the same addresses
    ("citations",),
    ("sources",),
    ("documents",),
    ("source_documents",),
    ("context",),
    ("context", "citations"),  # Azure, and so below
    ("retriever_resources",),
    ("metadata", "retriever_resources"),  # Dify
    *(
        ("choices", 0, kind, *path)
        for kind in ("delta", "message")
        for path in (("context", "citations"), ("citations",))
    ),
)
NAME_KEYS = ("title", "document_name", "filename", "file_name", "name", "filepath", "source", "file_id", "path")
URL_KEYS = ("url", "link", "uri", "href", "source_url", "source")
PASSAGE_KEYS = (
    "content",
    "page_content",
    "pageContent",
    "snippet",
    "quote",
    "cited_text",
    "text",
    "document",
    "excerpt",
)


def cited(name: str, url: str, passage: str, score: float | None = None) -> Piece:
    about = {"source": url or name, "name": name, **({"url": url} if url else {})}
    return Piece(
        "source",
        {
            "source": {"name": name, **({"url": url} if url else {})},
            "document": [passage[:LONGEST_PASSAGE] or name],
            "metadata": [about],
            **({"distances": [score]} if score is not None else {}),
        },
    )


def own_source(item: Json) -> Iterator[Piece]:
    """Read a source in Open WebUI's form: one citation for each of its passages."""
    about = dict_of(item["source"])
    notes = [dict_of(note) for note in items(item.get("metadata"))]
    for number, passage in enumerate(items(item["document"])):
        note = notes[number] if number < len(notes) else {}
        url = web(note.get("url")) or web(note.get("source")) or web(about.get("url"))
        name = label(about.get("name")) or label(note.get("name")) or label(note.get("source")) or url
        yield cited(name or "?", url, words(passage))


def source(item: Any) -> Iterator[Piece]:
    """Read a citation in any form: an address, a document with metadata, a search result."""
    if isinstance(item, str):
        item = {"url": item} if web(item) else {"title": item}
    if not isinstance(item, dict):
        return
    if isinstance(item.get("document"), list) and isinstance(item.get("source"), dict):
        yield from own_source(item)
        return
    about = dict_of(item.get("metadata"))
    url = next((web(place.get(key)) for place in (item, about) for key in URL_KEYS if web(place.get(key))), "")
    name = next((label(place.get(key)) for place in (item, about) for key in NAME_KEYS if label(place.get(key))), url)
    passage = next((words(item.get(key)) for key in PASSAGE_KEYS if words(item.get(key))), "")
    if name or passage:
        score = item.get("score", item.get("relevance_score"))
        yield cited(name or passage[:60], url, passage, score if isinstance(score, int | float) else None)


def listed(found: Any) -> Iterator[Piece]:
    for item in items(found):
        yield from source(item)


def sources(chunk: Json) -> Iterator[Piece]:
    for path in SOURCE_LISTS:
        yield from listed(at(chunk, *path))


def annotation(note: Json) -> Iterator[Piece]:
    """Read url_citation, file_citation and their like, flat or under a key of their own name."""
    kind = note.get("type")
    if isinstance(kind, str) and "citation" in kind:
        inner = dict_of(note.get(kind))
        yield from source({**note, **inner})


def annotations(chunk: Json) -> Iterator[Piece]:
    for note in dicts(delta_of(chunk).get("annotations")):
        yield from annotation(note)
