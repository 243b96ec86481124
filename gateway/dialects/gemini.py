"""Google's generateContent, as an upstream speaks it: its answers, errors, counts and streams.

Source: ai.google.dev/api/generate-content; cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
"""

from typing import Any

import msgspec
from msgspec import Raw

from gateway import lenient, wire
from gateway.dialects.contract import ClientDialect, UpstreamDialect, with_mark
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.gemini_stream import BROKEN, GeminiRelay, merge_counts, objects, reason_of
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import Usage, from_gemini
from gateway.errors import ApiError
from gateway.wire import Members

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_ANSWERS = frozenset(("candidates", "promptFeedback", "usageMetadata", "totalTokens"))
_TOO_LONG = (
    "input token count exceeds the maximum number of tokens",
    "exceeds the maximum number of tokens",
    "token count",
)


def relay(model: str, request: Members) -> NativeRelay:
    return GeminiRelay(model)


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer."""
    return from_gemini(lenient.peek(answer, "usageMetadata"))


def is_error(answer: Members) -> bool:
    return wire.kind(answer, "error") is dict


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error, none at all, or one that nobody can read."""
    if lenient.says(answer.get("error")) or answer.keys().isdisjoint(_ANSWERS):
        return True
    found = objects(lenient.peek(answer, "candidates"))
    return any(reason_of(each.get("finishReason")) in BROKEN for each in found[:1])


def read(body: bytes) -> Members:
    """Cut a whole answer into its members. A stream without `alt=sse` is an array of chunks, and errors may be one.

    Raises one of `lenient.UNREADABLE`.
    """
    if body.lstrip()[:1] != b"[":
        return lenient.members(body)
    chunks = msgspec.json.decode(body, type=list[dict[str, Any]])
    failed = next((chunk for chunk in chunks if chunk.get("error")), None)
    if not chunks:
        raise ValueError("no answer")
    return {name: Raw(wire.encode(value)) for name, value in (failed or _joined(chunks)).items()}


def _joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chunks of a stream as one answer."""
    whole: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    parts: list[Any] = []
    for chunk in chunks:
        whole |= chunk
        merge_counts(counts, chunk.get("usageMetadata"))
        for each in objects(chunk.get("candidates"))[:1]:
            candidate |= each
            content = each.get("content")
            parts += objects(content.get("parts")) if isinstance(content, dict) else []
    if candidate:
        whole["candidates"] = [{**candidate, "content": {"role": "model", "parts": parts}}]
    return {**whole, "usageMetadata": counts}


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """Return an error as Google sends it."""
    status = _STATUSES.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")
    words = with_mark(error, _TOO_LONG)
    return wire.encode({"error": {"code": error.status, "message": words, "status": status}})


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """Return an error in a stream that has begun."""
    return b"data: " + error_body(error, request_id) + b"\n\n"


def _addressed(path: str, fields: Members) -> None:
    """Put the model and whether it streams, which stand in the address, into the members."""
    name, _, method = path.partition("/models/")[2].rpartition(":")
    if name:
        wire.put(fields, "model", name)
        wire.put(fields, "stream", method.startswith("stream"))


def _count_addressed(path: str, fields: Members) -> None:
    """Put the model, and the members of the request whose prompt is counted, among the members."""
    inner = fields.pop("generateContentRequest", None)
    if inner is not None:
        fields.update(wire.request_members(bytes(inner)))
    _addressed(path, fields)


def _check(fields: Members) -> None:
    wire.require(fields, "contents", list, dict)


BASE = "/v1beta/"
"""The path that only Google's clients ask below."""
_BASES = (BASE, "/v1/")
"""Both of its API's versions: Google's SDK asks below `/v1` since its release 3, older ones and Gemini CLI do not."""


def is_method(path: str) -> bool:
    """Return whether a path names a model and what it is to do, as only Google's do."""
    return path.startswith(tuple(f"{base}models/" for base in _BASES)) and ":" in path


def _methods(*names: str) -> tuple[str, ...]:
    return tuple(f"{base}models/{{model:path}}:{name}" for base in _BASES for name in names)


CLIENT = ClientDialect(error_body=error_body, error_event=error_event, too_long=_TOO_LONG)
UPSTREAM = UpstreamDialect(is_error=is_error, failure=failure, usage=usage_of, relay=relay, read=read)

GEMINI = Endpoint(
    "gemini",
    "/generateContent",
    ("chat", "agent"),
    _check,
    CLIENT,
    UPSTREAM,
    prompt=("systemInstruction", "contents", "tools"),
    answer=("candidates",),
    names_model=False,
    also=_methods("generateContent", "streamGenerateContent"),
    addressed=_addressed,
)
GEMINI_COUNT = Endpoint(
    "gemini",
    "/countTokens",
    ("chat", "agent"),
    _check,
    CLIENT,
    UPSTREAM,
    prompt=(),
    streams=False,
    task="count_tokens",
    counts=GEMINI.prompt,
    optional=True,
    names_model=False,
    also=_methods("countTokens"),
    addressed=_count_addressed,
)
