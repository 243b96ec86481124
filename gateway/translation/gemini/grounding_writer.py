"""Sources of an answer's texts, told beside them as Gemini does. Places are counted in bytes of UTF-8."""

from collections.abc import Iterable

from gateway.translation.checks import Fields
from gateway.translation.parts import Citation, Text

_ADDRESSES = ("https://", "http://")


class Grounding:
    """Collects the sources of one answer; each is named once, however often it is cited."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[str | None, str | None], int] = {}
        self._supports: list[Fields] = []

    def take(self, text: Text, part: int = 0) -> None:
        """Take the citations of a text, which is the answer's part of that number."""
        for citation in text.citations:
            if citation.address:
                place = self._chunks.setdefault((citation.url, citation.title), len(self._chunks))
                self._supports.append(
                    {"segment": _segment(citation, text.text, part), "groundingChunkIndices": [place]}
                )

    def told(self) -> Fields:
        """Return the member of a candidate that tells them; empty where there are none."""
        if not self._supports:
            return {}
        return {"groundingMetadata": {"groundingChunks": _chunks(self._chunks), "groundingSupports": self._supports}}


def _chunks(sources: Iterable[tuple[str | None, str | None]]) -> list[Fields]:
    return [_chunk(url, title) for url, title in sources]


def _chunk(url: str | None, title: str | None) -> Fields:
    kind = "web" if url and url.startswith(_ADDRESSES) else "retrievedContext"
    return {kind: {name: value for name, value in (("uri", url), ("title", title)) if value}}


def _segment(citation: Citation, text: str, part: int) -> Fields:
    """Return the piece of a text that rests on a source; all of it where nobody said which."""
    start = citation.start or 0
    end = len(text) if citation.end is None else max(citation.end, start)
    before, piece = text[:start].encode("utf-8", "replace"), text[start:end]
    place = {"startIndex": len(before), "endIndex": len(before) + len(piece.encode("utf-8", "replace"))}
    return {**({"partIndex": part} if part else {}), **place, "text": piece}
