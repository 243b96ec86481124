"""Titan and Nova on Bedrock: one text a call."""

from typing import Any

import msgspec

from gateway.dialects import embedding_shapes as endpoints
from gateway.errors import InvalidRequest
from gateway.translation.embeddings import dimensions
from gateway.translation.embeddings.asked import Asked
from gateway.translation.embeddings.shape import Fields, Shape, Vectors, decoded, without_nothing
from gateway.wire import Members

_PURPOSES = {
    None: "GENERIC_INDEX",
    "search_document": "GENERIC_INDEX",
    "search_query": "GENERIC_RETRIEVAL",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""Nova's words for what a text is embedded for; it must be told one."""


class _Typed(msgspec.Struct):
    embedding: msgspec.Raw


def _write_titan(asked: Asked) -> Fields:
    length = dimensions.chosen(asked.known_model, asked.dimensions)
    if "titan-embed-image" in asked.known_model:
        return without_nothing({"inputText": asked.texts[0], "embeddingConfig": _length(length)})
    normalize = True if "titan-embed-text-v2" in asked.known_model else None
    return without_nothing({"inputText": asked.texts[0], "dimensions": length, "normalize": normalize})


def _length(length: int | None) -> Fields:
    return without_nothing({"outputEmbeddingLength": length})


def _read_titan(answer: Members) -> Vectors:
    return [decoded(answer, "embedding", msgspec.Raw)]


def _write_nova(asked: Asked) -> Fields:
    if asked.task not in _PURPOSES:
        known = ", ".join(f"'{task}'" for task in _PURPOSES if task)
        raise InvalidRequest(f"The field 'input_type' must be one of {known} for this model.", param="input_type")
    params: dict[str, Any] = {
        "embeddingPurpose": _PURPOSES[asked.task],
        "text": {"truncationMode": asked.truncate or "NONE", "value": asked.texts[0]},
        "embeddingDimension": dimensions.chosen(asked.known_model, asked.dimensions),
    }
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": without_nothing(params)}


def _read_nova(answer: Members) -> Vectors:
    return [each.embedding for each in decoded(answer, "embeddings", list[_Typed])]


TITAN = Shape(endpoints.TITAN, _write_titan, _read_titan, frozenset(("dimensions",)))
NOVA = Shape(endpoints.NOVA, _write_nova, _read_nova, frozenset(("dimensions", "input_type", "task_type", "truncate")))
