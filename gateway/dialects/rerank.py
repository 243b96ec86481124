"""Rerank in the shape of Cohere and Jina, which vLLM, llama.cpp and Open WebUI speak: texts in the order of a query.

Source: docs.cohere.com/reference/rerank, jina.ai/reranker.
"""

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage, from_rerank
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_DOCUMENTS = 1000
"""Of one request: what Cohere and Amazon take; more would hold a server for minutes."""
_DOCUMENTS_OF_UNIT = 100


def check(fields: Members) -> None:
    """Check the query, the documents and how many are wanted. Raises `InvalidRequest` naming the member."""
    wire.require(fields, "query", str)
    wire.require(fields, "documents", list)
    wire.count_items(fields["documents"], MOST_DOCUMENTS, "documents")
    if wire.kind(fields, "top_n") is not None:
        _check_top(wire.value(fields, "top_n"))


def _check_top(asked: object) -> None:
    if type(asked) is not int or asked < 1:
        raise InvalidRequest("The field 'top_n' must be a whole number above 0.", code="invalid_value", param="top_n")


def most(fields: Members) -> Usage:
    """Return the most that a checked request can use: a unit for each hundred documents, as Cohere counts."""
    documents = wire.count_items(fields["documents"], MOST_DOCUMENTS, "documents")
    return Usage(search_units=-(-documents // _DOCUMENTS_OF_UNIT))


def with_units(usage: Usage, fields: Members) -> Usage:
    """Return counts with the search units that a request has, where the upstream counted nothing at all."""
    if usage.source == "provider" or usage.search_units is not None:
        return usage
    return msgspec.structs.replace(usage, search_units=most(fields).search_units)


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or wire.kind(answer, "results") is not list


def usage_of(answer: Members) -> Usage | None:
    """Return the counts of a whole answer: Jina's `usage`, Cohere's `meta`."""
    return from_rerank(lenient.peek(answer, "usage"), lenient.peek(answer, "meta"))


CLIENT = ClientDialect(chat.error_body, chat.error_event, personal=("user",))
UPSTREAM = UpstreamDialect(chat.is_error, failure, usage_of, chat.relay)
RERANK = Endpoint(
    "rerank",
    "/rerank",
    ("rerank",),
    check,
    CLIENT,
    UPSTREAM,
    prompt=("query", "documents"),
    streams=False,
    task="rerank",
    names_model=False,
    most=most,
    told=with_units,
    also=("/v2/rerank", "/rerank"),
)
