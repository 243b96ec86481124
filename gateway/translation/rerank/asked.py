"""A client's request for an order of documents in the canonical form, from which each shape writes its own."""

import json
from typing import Any

import msgspec

from gateway.dialects.rerank import check
from gateway.errors import InvalidRequest
from gateway.translation import checks
from gateway.translation.plain import request_data
from gateway.wire import Members

_OWN = frozenset(("model", "query", "documents", "top_n", "return_documents", "rank_fields"))
"""Members that no shape has to take: they are written or read here."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query and documents."""

    model: str
    """The upstream's name."""
    query: str
    documents: tuple[Any, ...]
    """As the client sent them."""
    texts: tuple[str, ...]
    """Those of them that say anything, as texts; at least one."""
    places: tuple[int, ...]
    """Where each of the texts stands among the documents."""
    top: int | None = None
    """Of the results, as the client said it: there may be fewer documents."""
    return_documents: bool = False
    max_tokens: int | None = None
    """Of a document: what is longer is cut."""
    priority: int | None = None
    said: tuple[str, ...] = ()
    """The members that an upstream may not take."""

    @property
    def most(self) -> int:
        """Return how many results there can be."""
        return len(self.texts) if self.top is None else min(self.top, len(self.texts))


def read(fields: Members) -> Asked:
    """Read a client's request. Raises `InvalidRequest` naming the member at fault."""
    check(fields)
    found = request_data(fields)
    documents = found["documents"]
    ranked = checks.texts(found.get("rank_fields"), "rank_fields")
    texts = [_text(each, f"documents[{number}]", ranked) for number, each in enumerate(documents)]
    places = tuple(number for number, text in enumerate(texts) if text.strip())
    if not places or not found["query"].strip():
        name = "query" if places else "documents"
        raise InvalidRequest(f"The field '{name}' has no text; it must have some.", code="invalid_value", param=name)
    return Asked(
        model=checks.required_text(found, "model"),
        query=found["query"],
        documents=tuple(documents),
        texts=tuple(texts[place] for place in places),
        places=places,
        top=checks.integer(found, "top_n"),
        return_documents=checks.flag(found, "return_documents") or False,
        max_tokens=_positive(found, "max_tokens_per_doc"),
        priority=checks.integer(found, "priority"),
        said=tuple(name for name, value in found.items() if name not in _OWN and value is not None),
    )


def _positive(found: dict[str, Any], name: str) -> int | None:
    number = checks.integer(found, name)
    if number is not None and number < 1:
        raise InvalidRequest(f"The field '{name}' must be a whole number above 0.", code="invalid_value", param=name)
    return number


def _text(document: Any, at: str, ranked: tuple[str, ...]) -> str:
    """Return a document as a text: of an object its member `text`, or those that are to be ranked by."""
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        raise checks.wrong_type(at, "a string or an object with 'text'")
    if not ranked:
        return checks.required_text(document, "text", at)
    for name in ranked:
        if document.get(name) is None:
            raise checks.missing(checks.path(at, name), "there, as 'rank_fields' names it")
    return "".join(f"{name}: {_written(document[name])}\n" for name in ranked)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
