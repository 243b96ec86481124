"""Recorded vectors, their clients and what they say: read by a judge that knows nothing of the gateway's shapes."""

import base64
import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.fakes.exchanges import FOLDER, Exchange, exchanges, refusals

Fields = dict[str, Any]
TOKENS = "x-amzn-bedrock-input-token-count"
_TASKS = {"RETRIEVAL_QUERY": "search_query", "RETRIEVAL_DOCUMENT": "search_document"}
_PURPOSES = {"GENERIC_RETRIEVAL": "search_query", "GENERIC_INDEX": "search_document"}


class Told(NamedTuple):
    """What an answer says."""

    vectors: list[list[float]]
    tokens: int | None


class Kind(NamedTuple):
    """One shape of an upstream: where its exchanges are, how its client asks, what its answers say."""

    suffix: str
    within: str
    """Stands in the address."""
    asked: Callable[[Fields], Fields]
    told: Callable[[Exchange], Told]
    deployment: Fields


class Replay:
    """The ASGI application: answers everything with the bytes of one exchange, in its media type."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self.asked: list[tuple[str, Fields]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.exchange
        request = Request(scope, receive)
        self.asked.append((request.url.path, await request.json()))
        headers = {name: value for name, value in self.exchange.headers.items() if name in (TOKENS, "num_tokens")}
        answer = Response(self.exchange.answer, self.exchange.status, headers, "application/json")
        await answer(scope, receive, send)


def floats(vector: Any) -> list[float]:
    if isinstance(vector, str):
        packed = base64.b64decode(vector)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    return list(map(float, vector))


def _header(exchange: Exchange) -> int | None:
    return int(exchange.headers[TOKENS]) if TOKENS in exchange.headers else None


def _titan(body: Fields) -> Fields:
    return {"input": body["inputText"], "dimensions": body.get("dimensions")}


def _nova(body: Fields) -> Fields:
    params = body["singleEmbeddingParams"]
    return {
        "input": params["text"]["value"],
        "dimensions": params.get("embeddingDimension"),
        "input_type": _PURPOSES[params["embeddingPurpose"]],
        "truncate": params["text"]["truncationMode"],
    }


def _cohere(body: Fields) -> Fields:
    return {
        "input": body["texts"],
        "input_type": body["input_type"],
        "dimensions": body.get("output_dimension"),
        "truncate": body.get("truncate"),
    }


def _told_by_cohere(exchange: Exchange) -> Told:
    answer = exchange.json
    found = answer["embeddings"] if isinstance(answer["embeddings"], list) else answer["embeddings"]["float"]
    billed = answer.get("meta", {}).get("billed_units", {})
    return Told([floats(each) for each in found], billed.get("input_tokens", _header(exchange)))


def _text(content: Fields) -> str:
    return "\n".join(part["text"] for part in content["parts"])


def _gemini(body: Fields) -> Fields:
    requests = body.get("requests") or [body]
    first = requests[0]
    return {
        "input": [_text(each["content"]) for each in requests],
        "input_type": _TASKS.get(first.get("taskType", "")),
        "title": first.get("title"),
        "dimensions": first.get("outputDimensionality"),
    }


def _told_by_gemini(exchange: Exchange) -> Told:
    answer = exchange.json
    found = answer.get("embeddings") or [answer["embedding"]]
    return Told([each["values"] for each in found], None)


def _told_by_predict(exchange: Exchange) -> Told:
    found = [each["embeddings"] for each in exchange.json["predictions"]]
    return Told([each["values"] for each in found], sum(each["statistics"]["token_count"] for each in found))


def _openai(body: Fields) -> Fields:
    return {name: value for name, value in body.items() if name not in ("model", "encoding_format")}


def _told_by_openai(exchange: Exchange) -> Told:
    answer = exchange.json
    usage = answer["usage"]
    return Told(
        [floats(each["embedding"]) for each in answer["data"]],
        usage.get("prompt_tokens", usage["total_tokens"]) or None,
    )


_AMAZON = {"provider": "bedrock", "region": "us-east-1", "api_key": "k"}
_COHERE: Fields = {"provider": "cohere", "api_key": "k"}
_GEMINI = {"provider": "gemini", "api_key": "k", "base": "/v1beta"}
KINDS: dict[str, Kind] = {
    "Titan on Bedrock": Kind(
        "/invoke",
        "titan-embed",
        _titan,
        lambda exchange: Told([exchange.json["embedding"]], exchange.json["inputTextTokenCount"]),
        _AMAZON,
    ),
    "Nova on Bedrock": Kind(
        "/invoke",
        "multimodal-embeddings",
        _nova,
        lambda exchange: Told([each["embedding"] for each in exchange.json["embeddings"]], _header(exchange)),
        _AMAZON,
    ),
    "Cohere on Bedrock": Kind("/invoke", "cohere.embed", _cohere, _told_by_cohere, _AMAZON),
    "Cohere": Kind("/v2/embed", "", _cohere, _told_by_cohere, _COHERE),
    "Cohere, version 1": Kind("/v1/embed", "", _cohere, _told_by_cohere, _COHERE),
    "Gemini": Kind(":batchEmbedContents", "generativelanguage", _gemini, _told_by_gemini, _GEMINI),
    "Gemini, one text": Kind(":embedContent", "generativelanguage", _gemini, _told_by_gemini, _GEMINI),
    "Vertex AI": Kind(
        ":predict",
        "aiplatform",
        lambda body: {"input": [each["content"] for each in body["instances"]]},
        _told_by_predict,
        {"provider": "vertex", "project": "our-project", "access_token": "t"},
    ),
    "OpenAI": Kind("/embeddings", "openai", _openai, _told_by_openai, {"provider": "openai", "base": "/v1"}),
    "Voyage": Kind("/embeddings", "voyage", _openai, _told_by_openai, {"provider": "openai-compatible", "base": "/v1"}),
}


@cache
def recorded(name: str) -> list[Exchange]:
    """Return the exchanges of a shape."""
    kind = KINDS[name]
    bare = [_bare(file, request) for file, request in _BARE.get(name, {}).items()]
    return [*(each for each in exchanges(kind.suffix) if kind.within in each.address), *bare]


def _bare(file: str, request: Fields) -> Exchange:
    return Exchange(
        file, request, 200, (FOLDER / "vercel-ai" / file).read_bytes(), "https://h/models/text-embedding-005:"
    )


@cache
def refused(name: str) -> list[Exchange]:
    """Return the exchanges of a shape that were answered with an error."""
    kind = KINDS[name]
    return [each for each in refusals(kind.suffix) if kind.within in each.address]


_BARE: dict[str, dict[str, Fields]] = {
    "Cohere": {
        "cohere/cohere-embedding.json": {
            "model": "embed-v4.0",
            "texts": ["sunny day at the beach", "rainy day in the city"],
            "input_type": "search_query",
            "embedding_types": ["float"],
        }
    },
    "Vertex AI": {"google-vertex/google-vertex-embedding.json": {"instances": [{"content": "a"}, {"content": "b"}]}},
}
"""Answers that were kept without their request, which is made up here."""


def model_of(exchange: Exchange) -> str:
    """Return the upstream's model: in the request, or in its address."""
    path = unquote(urlsplit(exchange.address).path)
    if "model" in exchange.request and "requests" not in exchange.request:
        return str(exchange.request["model"])
    return path.split("/")[2] if path.endswith("/invoke") else path.rpartition("/")[2].partition(":")[0]


def models(address: str) -> Iterator[Fields]:
    """Yield a model of the gateway for each that was recorded; its name is that of the shape and the upstream's."""
    for name, kind in KINDS.items():
        for model in sorted({model_of(each) for each in (*recorded(name), *refused(name))}):
            place = {key: value for key, value in kind.deployment.items() if key != "base"}
            place |= {"base_url": address + kind.deployment.get("base", ""), "model": model}
            yield {"name": our_name(name, model), "mode": "embedding", "deployments": [place]}


def our_name(kind: str, model: str) -> str:
    return f"{kind}/{model}".replace(" ", "_")


def unsaid(body: Any) -> Any:
    """Return a request without what says nothing: nulls, the role of the only speaker, what is assumed anyway."""
    if isinstance(body, list):
        return [unsaid(each) for each in body]
    if not isinstance(body, dict):
        return body
    kept = {name: unsaid(value) for name, value in body.items() if value is not None and (name, value) not in _ASSUMED}
    return {name: value for name, value in kept.items() if value not in ({}, [])}


_ASSUMED = [
    ("role", "user"),
    ("autoTruncate", False),
    ("truncate", "NONE"),
    ("encoding_format", "float"),
    ("encoding_format", "base64"),
]
