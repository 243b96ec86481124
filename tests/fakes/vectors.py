"""Models of vectors as the clouds serve them. They refuse what the clouds refuse, and know nothing of the gateway.

A vector follows from its text alone, so that one that comes back at another place is found.
"""

import hashlib
import json
import struct
from typing import Any

from cohere.types.embed_by_type_response import EmbedByTypeResponse
from pydantic import TypeAdapter

from tests.fakes import discovery

Fields = dict[str, Any]

TITAN_V1, TITAN_V2 = "amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
_LENGTHS = {TITAN_V1: (1536,), TITAN_V2: (1024, 512, 256), NOVA: (3072, 1024, 384, 256)}
_COHERE = {"v3": (1024,), "v4": (1536, 256, 512, 1024)}
_INPUT_TYPES = ("search_document", "search_query", "classification", "clustering")
_PURPOSES = ("GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "CLASSIFICATION", "CLUSTERING")
_TASKS = (
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)
TOO_LONG = 2000
"""Words of a text from which on it is too long."""


class Refused(AssertionError):
    """What a cloud says of a request that it does not take."""


def vector_of(text: str, length: int) -> list[float]:
    """Return the vector of a text: numbers that 32 bits hold."""
    seed = hashlib.sha256(text.encode()).digest()
    few = [number / 2**31 for number in struct.unpack("<8i", seed)]
    rounded: list[float] = list(struct.unpack("<8f", struct.pack("<8f", *few)))
    return (rounded * (length // 8 + 1))[:length]


def tokens_of(text: str) -> int:
    """Return how many tokens these clouds count."""
    return len(text.split())


def _need(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


def _only(body: Fields, *names: str) -> None:
    _need(body.keys() <= set(names), f"extraneous key [{min(body.keys() - set(names), default='')}] is not permitted")


def _text(text: object) -> str:
    _need(isinstance(text, str) and text, "expected minLength: 1, actual: 0")
    assert isinstance(text, str)
    _need(tokens_of(text) < TOO_LONG, "Too many input tokens. Max input tokens: 8192")
    return text


def titan(model: str, body: Fields) -> tuple[Fields, int]:
    """Answer one text. Returns the answer and the tokens that a header tells."""
    _only(body, "inputText", *(("dimensions", "normalize", "embeddingTypes") if model == TITAN_V2 else ()))
    text, length = _text(body.get("inputText")), body.get("dimensions", _LENGTHS[model][0])
    _need(length in _LENGTHS[model], f"dimensions {length} is not supported")
    vector = vector_of(text, length)
    more = {"embeddingsByType": {"float": vector}} if model == TITAN_V2 else {}
    return {"embedding": vector, "inputTextTokenCount": tokens_of(text), **more}, tokens_of(text)


def nova(model: str, body: Fields) -> tuple[Fields, int]:
    _only(body, "taskType", "singleEmbeddingParams", "schemaVersion")
    _need(body.get("taskType") == "SINGLE_EMBEDDING", "taskType")
    params = body["singleEmbeddingParams"]
    _only(params, "embeddingPurpose", "embeddingDimension", "text")
    _only(params["text"], "truncationMode", "value")
    _need(params.get("embeddingPurpose") in _PURPOSES, "embeddingPurpose")
    _need(params["text"].get("truncationMode") in ("NONE", "START", "END"), "truncationMode")
    text, length = _text(params["text"].get("value")), params.get("embeddingDimension", _LENGTHS[NOVA][0])
    _need(length in _LENGTHS[NOVA], "embeddingDimension")
    return {"embeddings": [{"embeddingType": "TEXT", "embedding": vector_of(text, length)}]}, tokens_of(text)


def cohere(model: str, body: Fields, *, on_bedrock: bool) -> tuple[Fields, int]:
    """Answer up to 96 texts. On Bedrock the model is in the address."""
    named = () if on_bedrock else ("model",)
    _only(body, "texts", "input_type", "embedding_types", "output_dimension", "truncate", "max_tokens", *named)
    _need(on_bedrock or body.get("model") == model, "model is required")
    _need(1 <= len(body.get("texts") or ()) <= 96, "invalid request: the number of texts must be between 1 and 96")
    _need(body.get("input_type") in _INPUT_TYPES, "invalid request: valid input_type must be provided")
    _need(body.get("truncate") in (None, "NONE", "START", "END"), "invalid request: truncate")
    _need(set(body.get("embedding_types") or ()) <= {"float"}, "embedding_types")
    lengths = _COHERE["v3" if "v3" in model else "v4"]
    length = body.get("output_dimension", lengths[0])
    _need(length in lengths and ("v3" not in model or "output_dimension" not in body), "output_dimension")
    texts = [_text(text) for text in body["texts"]]
    vectors = [vector_of(text, length) for text in texts]
    tokens = sum(map(tokens_of, texts))
    bare = on_bedrock and "v3" in model and "embedding_types" not in body
    meta = {} if on_bedrock else {"meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}}}
    answer = {
        "id": "0728b136",
        "texts": texts,
        "embeddings": vectors if bare else {"float": vectors},
        "response_type": "embeddings_floats" if bare else "embeddings_by_type",
        **meta,
    }
    if not bare:
        TypeAdapter(EmbedByTypeResponse).validate_python(answer)
    return answer, tokens


def bedrock(model: str, body: Fields) -> tuple[Fields, int]:
    """Answer an invocation of any of Amazon's models."""
    if "titan" in model:
        return titan(model, body)
    return nova(model, body) if "nova" in model else cohere(model, body, on_bedrock=True)


def google(method: str, model: str, body: Fields) -> Fields:
    """Answer a call of Google's. Raises `Refused`."""
    try:
        return _GOOGLE[method](model, body)
    except Refused:
        raise
    except AssertionError as error:
        raise Refused(f"Invalid JSON payload received. {error}") from error


def _batch(model: str, body: Fields) -> Fields:
    discovery.check("gemini", "BatchEmbedContentsRequest", body)
    _need(1 <= len(body["requests"]) <= 100, "at most 100 requests can be in one batch")
    _need({each.get("model") for each in body["requests"]} == {f"models/{model}"}, "model must match")
    _need("gemini-embedding-2" not in model or all("taskType" not in each for each in body["requests"]), "taskType")
    values = [_values(each["content"], each.get("outputDimensionality")) for each in body["requests"]]
    return {"embeddings": [{"values": each} for each in values]}


def _content(model: str, body: Fields) -> Fields:
    discovery.check("vertex", "GoogleCloudAiplatformV1EmbedContentRequest", body)
    config, content = body.get("embedContentConfig", {}), body["content"]
    usage = {"promptTokenCount": tokens_of(content["parts"][0]["text"])}
    return {"embedding": {"values": _values(content, config.get("outputDimensionality"))}, "usageMetadata": usage}


def _predict(model: str, body: Fields) -> Fields:
    discovery.check("vertex", "GoogleCloudAiplatformV1PredictRequest", body)
    most = 1 if model.startswith("gemini-embedding") else 250
    _need(1 <= len(body["instances"]) <= most, f"{len(body['instances'])} instance(s) is allowed per prediction")
    parameters = body.get("parameters", {})
    _only(parameters, "outputDimensionality", "autoTruncate")
    predictions: list[Fields] = []
    for each in body["instances"]:
        _only(each, "content", "task_type", "title")
        _need(each.get("task_type") in (None, *_TASKS), "task_type")
        _need("title" not in each or each.get("task_type") == "RETRIEVAL_DOCUMENT", "title needs RETRIEVAL_DOCUMENT")
        text = _text(each.get("content"))
        statistics = {"token_count": float(tokens_of(text)), "truncated": False}
        values = vector_of(text, parameters.get("outputDimensionality", 768))
        predictions.append({"embeddings": {"statistics": statistics, "values": values}})
    _need(sum(each["embeddings"]["statistics"]["token_count"] for each in predictions) <= 20_000, "too many tokens")
    return {"predictions": predictions, "metadata": {"billableCharacterCount": 1}}


_GOOGLE = {"batchEmbedContents": _batch, "embedContent": _content, "predict": _predict}
METHODS = frozenset(_GOOGLE)


def _values(content: Fields, length: int | None) -> list[float]:
    _need(length is None or 1 <= length <= 3072, "outputDimensionality")
    return vector_of(_text(content["parts"][0]["text"]), length or 3072)


def mistral(body: Fields) -> Fields:
    """Answer texts as Mistral does, which knows no further members."""
    _only(body, "model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format")
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    _need(sum(map(tokens_of, texts)) <= 16_384, "Too many tokens overall, split into more batches.")
    return openai([_text(text) for text in texts], body.get("output_dimension", 1024), body["model"])


def openai(texts: list[str], length: int, model: str) -> Fields:
    """Return vectors as OpenAI writes them."""
    count = sum(map(tokens_of, texts))
    data = [
        {"object": "embedding", "index": number, "embedding": vector_of(text, length)}
        for number, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def server(body: Fields, most: int) -> Fields:
    """Answer texts as a server on premises does that takes a few at once."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    _need(len(texts) <= most, f"batch size {len(texts)} > maximum allowed batch size {most}")
    return openai([_text(text) for text in texts], body.get("dimensions", 8), body["model"])


def encoded(answer: Fields) -> bytes:
    return json.dumps(answer).encode()
