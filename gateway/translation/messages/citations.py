"""Citations: what a text's words rest on."""

from collections.abc import Mapping
from typing import Any

from gateway.translation.messages.names import DIALECT
from gateway.translation.parts import Citation

_WEB = "web_search_result_location"


def read_citation(found: Mapping[str, Any]) -> Citation:
    """Read a citation as it came; wrong types say nothing."""
    title = _text(found, "title") or _text(found, "document_title")
    # One that we wrote for another dialect has no index, and no upstream would take it back.
    ours = found.get("type") == _WEB and not found.get("encrypted_index")
    return Citation(
        url=_text(found, "url"),
        title=title,
        cited_text=_text(found, "cited_text"),
        own={} if ours else {DIALECT: dict(found)},
    )


def own_citation(citation: Citation) -> dict[str, Any] | None:
    """Return a citation that Messages itself made; None for others, which no upstream takes."""
    found = citation.own.get(DIALECT)
    return dict(found) if found else None


def shown_citation(citation: Citation) -> dict[str, Any] | None:
    """Return a citation for a client; None where it has no address and Messages has no form for it."""
    if own := own_citation(citation):
        return own
    if citation.url is None:
        return None
    words = {"cited_text": citation.cited_text or "", "encrypted_index": "", "title": citation.title}
    return {"type": _WEB, "url": citation.url, **words}


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None
