"""What answers with vectors tell in the shapes of Amazon, Cohere, Google and Mistral, which only upstreams speak.

Sources: docs.aws.amazon.com/bedrock: model-parameters-titan-embed-text, -embed (Cohere), nova: embeddings-schema;
docs.cohere.com/reference/embed; ai.google.dev/api/embeddings; Vertex AI's discovery document; docs.mistral.ai/api.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway import lenient
from gateway.dialects import chat
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.embeddings import usage_of
from gateway.dialects.endpoint import Endpoint, PerCall
from gateway.dialects.usage import Usage, from_gemini, from_rerank
from gateway.wire import Members

COUNTED = "inputTextTokenCount"
"""The member in which Titan counts tokens; for others the header of Amazon is read as it."""
_AMAZON_COUNT = {"x-amzn-bedrock-input-token-count": COUNTED}
_ONE, _OF_COHERE, _OF_GEMINI = PerCall(1), PerCall(96), PerCall(100)
_BYTES_A_TOKEN = 2
"""At least, of most texts in JSON: no call is near its limit of tokens, which are not counted here."""
_OF_PREDICT = PerCall(250, 20_000 * _BYTES_A_TOKEN)
_OF_MISTRAL = PerCall(None, 16_384 * _BYTES_A_TOKEN)


def _no_error(answer: Members) -> bool:
    """Return False: no client speaks these shapes, so none gets their errors untouched."""
    return False


def _accept(fields: Members) -> None:
    """Accept anything: requests are written by the gateway alone."""


def _lacking(*names: str) -> Callable[[Members], bool]:
    """Return what tells whether an answer is an error: it has none of the members that hold vectors."""
    return lambda answer: not any(name in answer for name in names)


def _of_amazon(answer: Members) -> Usage | None:
    count = lenient.peek(answer, COUNTED)
    return Usage(input=count) if type(count) is int and count >= 0 else None


def _of_cohere(answer: Members) -> Usage | None:
    found = from_rerank(None, lenient.peek(answer, "meta"))
    return Usage(input=found.input) if found and found.input is not None else _of_amazon(answer)


def _of_google(answer: Members) -> Usage | None:
    found = from_gemini(lenient.peek(answer, "usageMetadata"))
    return Usage(input=found.input) if found else None


class _Statistics(msgspec.Struct):
    token_count: float


class _Counted(msgspec.Struct):
    statistics: _Statistics


class _Prediction(msgspec.Struct):
    embeddings: _Counted


def _of_predictions(answer: Members) -> Usage | None:
    """Return the sum of what each prediction counts; None where one does not."""
    try:
        found = msgspec.json.decode(answer.get("predictions", b"[]"), type=list[_Prediction])
    except lenient.UNREADABLE:
        return None
    counts = [each.embeddings.statistics.token_count for each in found]
    return Usage(input=int(sum(counts))) if counts and min(counts) >= 0 else None


def _row(
    dialect: str,
    path: str,
    failure: Callable[[Members], bool],
    usage: Callable[[Members], Usage | None],
    per_call: PerCall | Callable[[str], PerCall],
    **more: Any,
) -> Endpoint:
    upstream = UpstreamDialect(_no_error, failure, usage, chat.relay, **more)
    limit = (lambda model: per_call) if isinstance(per_call, PerCall) else per_call
    modes = ("embedding",)
    return Endpoint(dialect, path, modes, _accept, chat.CLIENT, upstream, (), streams=False, per_call=limit)


def _most_predictions(model: str) -> PerCall:
    return _ONE if model.rpartition("/")[2].startswith("gemini-embedding") else _OF_PREDICT


TITAN = _row("titan-embeddings", "/titan-embed", _lacking("embedding"), _of_amazon, _ONE, told=_AMAZON_COUNT)
NOVA = _row("nova-embeddings", "/nova-embed", _lacking("embeddings"), _of_amazon, _ONE, told=_AMAZON_COUNT)
COHERE = _row(
    "cohere-embeddings",
    "/embed",
    _lacking("embeddings"),
    _of_cohere,
    _OF_COHERE,
    told=_AMAZON_COUNT,
)
GEMINI = _row(
    "gemini-embeddings",
    "/batchEmbedContents",
    _lacking("embeddings", "embedding"),
    _of_google,
    _OF_GEMINI,
)
PREDICT = _row("vertex-predict", "/predict", _lacking("predictions"), _of_predictions, _most_predictions)
EMBED_CONTENT = _row("vertex-embeddings", "/embedContent", _lacking("embedding"), _of_google, _ONE)
MISTRAL = _row("mistral-embeddings", "/embeddings", _lacking("data"), usage_of, _OF_MISTRAL)
