"""Google's three shapes: the developer API's batches, and Vertex AI's older and newer call."""

import msgspec

from gateway.dialects import embedding_shapes as endpoints
from gateway.errors import InvalidRequest
from gateway.translation.embeddings.asked import Asked
from gateway.translation.embeddings.shape import Fields, Shape, Vectors, decoded, without_nothing
from gateway.wire import Members

_TASKS = {"search_query": "RETRIEVAL_QUERY", "search_document": "RETRIEVAL_DOCUMENT"}
"""Google's words where they are not ours in capitals."""
_QUERIES = {
    "search_query": "search result",
    "classification": "classification",
    "clustering": "clustering",
    "semantic_similarity": "sentence similarity",
    "question_answering": "question answering",
    "fact_verification": "fact checking",
    "code_retrieval_query": "code retrieval",
}
"""What models that ignore `taskType` read before a text. Source: ai.google.dev/gemini-api/docs/embeddings."""
_TAKES = frozenset(("dimensions", "input_type", "task_type", "truncate", "title"))


class _Values(msgspec.Struct):
    values: msgspec.Raw


class _Prediction(msgspec.Struct):
    embeddings: _Values


def _told_in_text(model: str) -> bool:
    """Return whether a model is told what a text is for in the text itself."""
    return model.rpartition("/")[2].startswith("gemini-embedding-2")


def _text(asked: Asked, text: str) -> str:
    if asked.task is None or not _told_in_text(asked.known_model):
        return text
    if asked.task == "search_document":
        return f"title: {asked.title or 'none'} | text: {text}"
    return f"task: {_QUERIES[asked.task]} | query: {text}"


def _task(asked: Asked) -> str | None:
    if asked.task is None or _told_in_text(asked.known_model):
        return None
    return _TASKS.get(asked.task, asked.task.upper())


def _title(asked: Asked) -> str | None:
    """Return the title, which Google takes of documents alone."""
    told = asked.task == "search_document" and not _told_in_text(asked.known_model)
    return asked.title if told else None


def _cuts(asked: Asked) -> bool | None:
    """Return whether texts that are too long are cut; None where the client does not say. Raises `InvalidRequest`."""
    if asked.truncate == "START":
        raise InvalidRequest("The field 'truncate' must be 'NONE' or 'END' for this model.", param="truncate")
    return None if asked.truncate is None else asked.truncate == "END"


def _write_batch(asked: Asked) -> Fields:
    model = asked.model if "/" in asked.model else f"models/{asked.model}"
    more = {
        "taskType": _task(asked),
        "title": _title(asked),
        "outputDimensionality": asked.dimensions,
        "embedContentConfig": without_nothing({"autoTruncate": _cuts(asked)}),
    }
    each = [{"model": model, "content": {"parts": [{"text": _text(asked, text)}]}, **more} for text in asked.texts]
    return {"requests": [without_nothing(request) for request in each]}


def _read_batch(answer: Members) -> Vectors:
    if "embeddings" not in answer:
        return _read_embedding(answer)
    return [each.values for each in decoded(answer, "embeddings", list[_Values])]


def _write_predict(asked: Asked) -> Fields:
    more = {"task_type": _task(asked), "title": _title(asked)}
    parameters = {"outputDimensionality": asked.dimensions, "autoTruncate": bool(_cuts(asked))}
    instances = [without_nothing({"content": _text(asked, text), **more}) for text in asked.texts]
    return {"instances": instances, "parameters": without_nothing(parameters)}


def _read_predictions(answer: Members) -> Vectors:
    return [each.embeddings.values for each in decoded(answer, "predictions", list[_Prediction])]


def _write_content(asked: Asked) -> Fields:
    config = {
        "taskType": _task(asked),
        "title": _title(asked),
        "outputDimensionality": asked.dimensions,
        "autoTruncate": _cuts(asked),
    }
    content = {"parts": [{"text": _text(asked, asked.texts[0])}]}
    return without_nothing({"content": content, "embedContentConfig": without_nothing(config)})


def _read_embedding(answer: Members) -> Vectors:
    return [decoded(answer, "embedding", _Values).values]


BATCH = Shape(endpoints.GEMINI, _write_batch, _read_batch, _TAKES)
PREDICT = Shape(endpoints.PREDICT, _write_predict, _read_predictions, _TAKES)
CONTENT = Shape(endpoints.EMBED_CONTENT, _write_content, _read_embedding, _TAKES)
