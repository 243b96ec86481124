"""OpenAI's Chat Completions, Completions and Embeddings: what requests must hold, what answers tell.

Source: platform.openai.com/docs/api-reference/{chat,completions,embeddings}.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway import wire
from gateway.dialects.usage import Usage, from_openai
from gateway.errors import ApiError
from gateway.wire import Members


@dataclass(frozen=True, slots=True)
class Family:
    """An endpoint family of one dialect, as data."""

    api: str
    """Its name in the ledger and in `dialects:`."""
    path: str
    """Below the upstream's base URL."""
    modes: tuple[str, ...]
    """The modes of model that it serves."""
    check: Callable[[Members], None]
    """Raises `InvalidRequest` naming the field at fault."""
    streams: bool = True
    task: str = "chat"
    """The ledger's task where nobody names another."""


def _check_chat(fields: Members) -> None:
    wire.require(fields, "messages", list)


def _check_completion(fields: Members) -> None:
    wire.require(fields, "prompt", str, list)


def _check_embedding(fields: Members) -> None:
    wire.require(fields, "input", str, list)


CHAT = Family("chat", "/chat/completions", ("chat",), _check_chat)
COMPLETIONS = Family("completions", "/completions", ("completion", "chat"), _check_completion, task="completion")
EMBEDDINGS = Family("embeddings", "/embeddings", ("embedding",), _check_embedding, streams=False, task="embedding")


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
    return from_openai(wire.value(answer, "usage"))


def error_body(error: ApiError) -> bytes:
    """An error as OpenAI sends it."""
    return wire.encode(error_object(error))


def error_object(error: ApiError) -> dict[str, Any]:
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def error_event(error: ApiError) -> bytes:
    """An error in a stream that has begun; clients of OpenAI raise it."""
    return b"data: " + error_body(error) + b"\n\n"
