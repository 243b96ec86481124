"""Sources of an answer's text: documents of the request, or pages of the web."""

from collections.abc import Mapping
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.converse.names import DIALECT
from gateway.translation.messages.answer_reader import object_of, text_of
from gateway.translation.messages.names import DIALECT as MESSAGES
from gateway.translation.parts import Citation

_PLACES: Mapping[str, tuple[str, str, str]] = {
    "documentChar": ("char_location", "start_char_index", "end_char_index"),
    "documentPage": ("page_location", "start_page_number", "end_page_number"),
    "documentChunk": ("content_block_location", "start_block_index", "end_block_index"),
}
"""Places in documents, and how Messages calls them and their bounds."""


def citation_of(found: Fields) -> Citation:
    """Return a source of the text that it stands with."""
    content = found.get("sourceContent")
    pieces = content if isinstance(content, list) else []
    quoted = "".join(text_of(object_of(each).get("text")) for each in pieces)
    location = object_of(found.get("location"))
    title = text_of(found.get("title")) or text_of(found.get("source")) or None
    placed = _placed(location, quoted, title)
    return Citation(
        url=text_of(object_of(location.get("web")).get("url")) or None,
        title=title,
        cited_text=quoted or None,
        own={DIALECT: found, **({MESSAGES: placed} if placed else {})},
    )


def _placed(location: Fields, quoted: str, title: str | None) -> Fields | None:
    """Return a place in a document as Messages tells it, after whose citations Converse's were made."""
    for name, (kind, first, last) in _PLACES.items():
        place = object_of(location.get(name))
        numbers: list[Any] = [place.get(each) for each in ("documentIndex", "start", "end")]
        if all(type(each) is int for each in numbers):
            document, start, end = numbers
            words = {"cited_text": quoted, "document_index": document, "document_title": title}
            return {"type": kind, **words, first: start, last: end}
    return None
