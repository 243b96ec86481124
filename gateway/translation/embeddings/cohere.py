"""Cohere's embed, at Cohere and on Bedrock."""

import msgspec

from gateway.dialects import embedding_shapes as endpoints
from gateway.dialects.vectors import wrong_vectors
from gateway.errors import InvalidRequest
from gateway.translation.embeddings import dimensions
from gateway.translation.embeddings.asked import TASKS, Asked
from gateway.translation.embeddings.shape import Fields, Shape, Vectors, decoded, without_nothing
from gateway.wire import Members

_TASKS = TASKS[:4]
_DEFAULT_TASK = "search_document"
"""Of clients that do not say; Cohere must be told one."""


class _ByType(msgspec.Struct):
    floats: list[msgspec.Raw] | None = msgspec.field(default=None, name="float")
    base64: list[msgspec.Raw] | None = None


def _write(asked: Asked) -> Fields:
    if asked.task not in (None, *_TASKS):
        known = ", ".join(f"'{task}'" for task in _TASKS)
        raise InvalidRequest(f"The field 'input_type' must be one of {known} for this model.", param="input_type")
    return without_nothing(
        {
            "model": asked.model,
            "texts": asked.texts,
            "input_type": asked.task or _DEFAULT_TASK,
            "embedding_types": ["float"],
            "output_dimension": dimensions.chosen(asked.known_model, asked.dimensions),
            "truncate": asked.truncate or "NONE",
        }
    )


def _read(answer: Members) -> Vectors:
    """Return vectors that stand in a list, as older models answer, or by their type."""
    found = decoded(answer, "embeddings", list[msgspec.Raw] | _ByType)
    vectors = found if isinstance(found, list) else found.floats or found.base64
    if vectors is None:
        raise wrong_vectors("answered with vectors of other numbers than floats")
    return list(vectors)


COHERE = Shape(endpoints.COHERE, _write, _read, frozenset(("dimensions", "input_type", "task_type", "truncate")))
