"""Anthropic's Messages and its token counting: what requests must hold, what answers tell.

Source: platform.claude.com/docs/en/api/{messages,messages-count-tokens,errors}.
"""

from typing import Any

from msgspec import Raw, Struct

from gateway import lenient, wire
from gateway.dialects.contract import ClientDialect, UpstreamDialect, with_mark
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import BROKEN, DONE, OPENED, WAITING, NativeRelay
from gateway.dialects.usage import Usage, from_messages
from gateway.errors import ApiError
from gateway.wire import Members

_ANSWERS = frozenset(("content", "input_tokens"))

BETAS = "anthropic-beta"
"""The header that asks for what is not yet in the API's version, comma-separated."""
VERSION = "2023-06-01"
"""Sent where the client names none: the version that every upstream understands."""

_TOO_LONG = ("prompt is too long", "exceed context limit")
"""Claude Code makes a conversation shorter at the first, and asks for less at the second."""
_USED_UP = "insufficient_quota"
_GUARDED = "amazon-bedrock-guardrailAction"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
"""Keeps a silent stream open: clients of Messages take silence of more than some seconds for a failure."""

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class _Bare(Struct, gc=False):
    type: Any = None
    usage: Raw = NOTHING
    error: Raw = NOTHING
    message: Any = None
    delta: Any = None


class _Message(Struct, gc=False):
    model: Any = None
    usage: Raw = NOTHING


class _Delta(Struct, gc=False):
    text: Any = None
    thinking: Any = None
    partial_json: Any = None


class _Event(_Bare, gc=False):
    message: _Message | None = None
    delta: _Delta | None = None


_ANNOUNCING = ("message_start", "ping")


class MessagesRelay(PassThrough):
    """Counts of the prompt come first, those of the answer last; `message_stop` is the end."""

    shapes = (_Event, _Bare)
    holder = "message"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._counts: dict[str, Any] = {}

    def name_of(self, fields: _Bare) -> Any:
        return fields.message.model if type(fields.message) is _Message else None

    def read(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        kind, delta = fields.type, fields.delta
        if type(delta) is _Delta and (text := delta.text or delta.thinking or delta.partial_json):
            self.wrote(text)
        if kind == "message_start" and isinstance(fields.message, _Message):
            self.begun = self._counted(fields.message.usage)
        elif kind == "message_delta":
            self.usage = self._counted(fields.usage) or self.usage
        elif kind == "message_stop":
            self.state = BROKEN if self.state is WAITING and self.events < 2 else DONE
        elif kind == "error" or lenient.says(fields.error):
            return self.failed(payload, event)
        if self.state is WAITING and kind not in _ANNOUNCING:
            self.state = OPENED
        return event

    def _counted(self, raw: Raw) -> Usage | None:
        found = lenient.value(raw)
        if isinstance(found, dict):
            merge_counts(self._counts, found)
        return from_messages(self._counts)


def merge_counts(counts: dict[str, Any], found: dict[str, Any]) -> None:
    """Put later counts of a stream into those that came before.

    Counts are cumulative, and each event holds only some of them; a zero may stand for not known yet.
    """
    for name, count in found.items():
        known = counts.get(name)
        both = isinstance(known, int) and isinstance(count, int)
        counts[name] = max(known, count) if both else known if count is None else count


def relay(model: str, request: Members) -> NativeRelay:
    return MessagesRelay(model)


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer; `count_tokens` uses none itself."""
    return from_messages(lenient.peek(answer, "usage"))


def _read(body: bytes) -> Members:
    """Cut a whole answer into its members. What a guardrail of Bedrock put in its place ends as a refusal."""
    answer = lenient.members(body)
    if _GUARDED in answer and lenient.peek(answer, _GUARDED) == "INTERVENED":
        wire.put(answer, "stop_reason", "refusal")
    return answer


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """Return an error as Anthropic sends it."""
    body = {"type": "error", "error": {"type": _type(error), "message": with_mark(error, _TOO_LONG)}}
    return wire.encode(body | ({"request_id": request_id} if request_id else {}))


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """Return an error in a stream that has begun."""
    return b"event: error\ndata: " + error_body(error, request_id) + b"\n\n"


def is_error(answer: Members) -> bool:
    return lenient.peek(answer, "type") == "error" and wire.kind(answer, "error") is dict


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error, or none at all."""
    kind = lenient.peek(answer, "type")
    if kind == "error" or lenient.says(answer.get("error")):
        return True
    return kind != "message" and answer.keys().isdisjoint(_ANSWERS)


def _type(error: ApiError) -> str:
    """Return the type of an error; a status that the table lacks is the client's fault below 500, else ours."""
    if error.code == _USED_UP:
        return _TYPES[402]
    status = CLIENT.status(error)
    return _TYPES.get(status, _TYPES[400] if status < 500 else _TYPES[500])


def _check_messages(fields: Members) -> None:
    wire.require(fields, "messages", list)
    wire.require(fields, "max_tokens", int)


def _check_count(fields: Members) -> None:
    wire.require(fields, "messages", list)


CLIENT = ClientDialect(
    error_body=error_body,
    error_event=error_event,
    statuses={503: 529},
    keepalive=PING,
    personal=("metadata.user_id",),
    too_long=_TOO_LONG,
)
UPSTREAM = UpstreamDialect(
    is_error=is_error,
    failure=failure,
    usage=usage_of,
    relay=relay,
    read=_read,
    forwarded={"anthropic-version": VERSION, BETAS: None},
    query=frozenset({"beta=true"}),
)

MESSAGES = Endpoint(
    "messages",
    "/messages",
    ("chat", "agent"),
    _check_messages,
    CLIENT,
    UPSTREAM,
    prompt=("system", "messages", "tools"),
    answer=("content",),
    pseudonym="metadata.user_id",
)
COUNT_TOKENS = Endpoint(
    "messages",
    "/messages/count_tokens",
    ("chat", "agent"),
    _check_count,
    CLIENT,
    UPSTREAM,
    prompt=(),
    streams=False,
    task="count_tokens",
    counts=MESSAGES.prompt,
    optional=True,
    names_model=False,
)
