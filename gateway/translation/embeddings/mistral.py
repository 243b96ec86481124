"""Mistral's Embeddings: OpenAI's with other words, which refuse members that they do not know."""

from gateway.dialects import embedding_shapes as endpoints
from gateway.dialects.vectors import items_of
from gateway.translation.embeddings.asked import Asked
from gateway.translation.embeddings.shape import Fields, Shape, Vectors, without_nothing
from gateway.wire import Members


def _write(asked: Asked) -> Fields:
    return without_nothing({"model": asked.model, "input": asked.texts, "output_dimension": asked.dimensions})


def _read(answer: Members) -> Vectors:
    return [item.embedding for item in items_of(answer)]


MISTRAL = Shape(endpoints.MISTRAL, _write, _read, frozenset(("dimensions",)))
