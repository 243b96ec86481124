"""The shapes in which upstreams are asked for an order: Cohere's v2, and Amazon Bedrock's two."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.dialects import rerank_shapes as endpoints
from gateway.dialects.endpoint import Endpoint
from gateway.translation.rerank.asked import Asked

Fields = dict[str, Any]

LONGEST_TEXT = 32_000
"""Characters of a text that Amazon takes."""


class Shape(msgspec.Struct, frozen=True):
    """How an upstream is asked for an order, and how its results call the score."""

    endpoint: Endpoint
    write: Callable[[Asked], Fields]
    takes: frozenset[str] = frozenset()
    """The client's members that are carried; others are dropped."""
    score: str = "relevance_score"
    longest: int | None = None
    """Characters of a text; longer ones are cut."""


def _cohere(asked: Asked) -> Fields:
    more = {"top_n": asked.top, "max_tokens_per_doc": asked.max_tokens, "priority": asked.priority}
    return {
        "model": asked.model,
        "query": asked.query,
        "documents": asked.texts,
        **{name: value for name, value in more.items() if value is not None},
    }


def _invoked(asked: Asked) -> Fields:
    """Return a request without the model, which stands in the address."""
    return {"query": asked.query, "documents": asked.texts, "top_n": asked.most}


def _bedrock(asked: Asked) -> Fields:
    """Return a request of the agents' runtime; its provider makes an ARN of the model."""
    sources = ({"type": "INLINE", "inlineDocumentSource": _document(text)} for text in asked.texts)
    ranking = {
        "modelConfiguration": {"modelArn": asked.model},
        "numberOfResults": asked.most,
    }
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": asked.query}}],
        "sources": list(sources),
        "rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": ranking},
    }


def _document(text: str) -> Fields:
    return {"type": "TEXT", "textDocument": {"text": text}}


SHAPES: tuple[Shape, ...] = (
    Shape(endpoints.COHERE, _cohere, frozenset(("max_tokens_per_doc", "priority"))),
    Shape(endpoints.BEDROCK, _bedrock, score="relevanceScore", longest=LONGEST_TEXT),
    Shape(endpoints.INVOKED, _invoked, longest=LONGEST_TEXT),
)
