"""OpenAI's Chat Completions, Completions and Embeddings: what requests must hold, what answers tell.

Source: platform.openai.com/docs/api-reference/{chat,completions,embeddings}.
"""

from typing import Any

from gateway import wire
from gateway.dialects.family import Dialect, Family
from gateway.dialects.usage import Usage, from_chat
from gateway.errors import ApiError
from gateway.streaming import Relay
from gateway.wire import Members

DONE = b"data: [DONE]\n\n"


class ChatRelay(Relay):
    """Takes the usage chunk that nobody asked for out of the stream."""

    marks = (b'"usage"', b"[DONE]", b'"error"')
    closing = DONE

    def __init__(self, model: str, *, hide_usage: bool) -> None:
        super().__init__(model)
        self._hide_usage = hide_usage

    def notice(self, block: bytes) -> None:
        if not self.finished and b'"finish_reason":"' in block:
            self.finished = True

    def lighten(self, block: bytes) -> bytes:
        """In a JSON text these bytes are a member: in a string the quotes would be escaped."""
        return block.replace(b',"usage":null', b"") if self._hide_usage else block

    def read(self, payload: bytes, event: bytes) -> bytes:
        if payload == b"[DONE]":
            self.done = True
            return event
        return super().read(payload, event)

    def told(self, fields: Members, payload: bytes, event: bytes) -> bytes:
        if wire.kind(fields, "error") is not None:
            self.done, self.error = True, payload
            return event
        usage = from_chat(wire.value(fields, "usage"))
        self.usage = usage or self.usage
        if not self._hide_usage or "usage" not in fields:
            return self._priced(fields, usage) if usage and self.cost_usd else event
        if usage and wire.value(fields, "choices") == []:
            return b""
        del fields["usage"]
        return b"data: " + wire.encode(fields) + b"\n\n"

    def _priced(self, fields: Members, usage: Usage) -> bytes:
        put_cost(fields, self.cost_usd(usage) if self.cost_usd else None)
        return b"data: " + wire.encode(fields) + b"\n\n"


def relay(model: str, request: Members) -> Relay:
    return ChatRelay(model, hide_usage=not wants_usage(request))


def wants_usage(fields: Members) -> bool:
    """Whether the client itself asked for the usage chunk."""
    options = wire.value(fields, "stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def ask_for_usage(fields: Members) -> None:
    """Make the upstream send the usage chunk, keeping the client's other options."""
    options = wire.value(fields, "stream_options")
    wire.put(fields, "stream_options", {**(options if isinstance(options, dict) else {}), "include_usage": True})


def usage_of(answer: Members) -> Usage | None:
    """The token counts of a whole answer."""
    return from_chat(wire.value(answer, "usage"))


def put_cost(answer: Members, usd: float | None) -> None:
    """`usage.cost` as OpenRouter sends it, which Open WebUI keeps with the message."""
    if usd is None or wire.kind(answer, "usage") is not dict:
        return
    usage = wire.members(answer["usage"])
    wire.put(usage, "cost", usd)
    wire.put(answer, "usage", usage)


def error_object(error: ApiError) -> dict[str, Any]:
    """The part that all of OpenAI's APIs share."""
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """An error as OpenAI sends it; the request's id is in a header there."""
    return wire.encode({"error": error_object(error)})


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """An error in a stream that has begun; clients of OpenAI raise it."""
    return b"data: " + error_body(error) + b"\n\n"


def is_error(answer: Members) -> bool:
    return wire.kind(answer, "error") is dict


def error_status(event: bytes) -> int:
    """Nothing in these error events is defined well enough to tell faults apart."""
    return 502


def _check_chat(fields: Members) -> None:
    wire.require(fields, "messages", list)


def _check_completion(fields: Members) -> None:
    wire.require(fields, "prompt", str, list)


def _check_embedding(fields: Members) -> None:
    wire.require(fields, "input", str, list)


DIALECT = Dialect(
    error_body=error_body,
    error_event=error_event,
    is_error=is_error,
    error_status=error_status,
    usage=usage_of,
    relay=relay,
    put_cost=put_cost,
    ask_for_usage=ask_for_usage,
    forwarded={"openai-beta": None},
    personal=("user", "safety_identifier"),
)

CHAT = Family(
    "chat",
    "/chat/completions",
    ("chat", "agent"),
    _check_chat,
    DIALECT,
    prompt=("messages", "tools"),
    pseudonym="safety_identifier",
)
COMPLETIONS = Family(
    "completions",
    "/completions",
    ("completion", "chat"),
    _check_completion,
    DIALECT,
    prompt=("prompt", "suffix"),
    task="completion",
    pseudonym="user",
)
EMBEDDINGS = Family(
    "embeddings",
    "/embeddings",
    ("embedding",),
    _check_embedding,
    DIALECT,
    prompt=("input",),
    streams=False,
    task="embedding",
    pseudonym="user",
)
