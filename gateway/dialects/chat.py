"""OpenAI's Chat Completions and Completions: what requests must hold, what answers tell.

Source: platform.openai.com/docs/api-reference/{chat,completions}.
"""

from dataclasses import replace
from typing import Any

from gateway import lenient, wire
from gateway.dialects.chat_stream import ChatRelay, as_stream, put_cost
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import END, GAP, Endpoint
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import Usage, from_chat
from gateway.errors import ApiError
from gateway.wire import Members

_ANSWERS = frozenset(("choices", "data", "output"))


def relay(model: str, request: Members) -> NativeRelay:
    return ChatRelay(model, hide_usage=not wants_usage(request))


def wants_usage(fields: Members) -> bool:
    """Return whether the client itself asked for the usage chunk."""
    options = wire.value(fields, "stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def ask_for_usage(fields: Members) -> None:
    """Make the upstream send the usage chunk, keeping the client's other options."""
    options = wire.value(fields, "stream_options")
    wire.put(fields, "stream_options", {**(options if isinstance(options, dict) else {}), "include_usage": True})


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer."""
    return from_chat(lenient.peek(answer, "usage"))


def error_object(error: ApiError) -> dict[str, Any]:
    """Return the part of an error that all of OpenAI's APIs share."""
    return {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """Return an error as OpenAI sends it; the request's id is in a header there."""
    return wire.encode({"error": error_object(error)})


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """Return an error in a stream that has begun; clients of OpenAI raise it."""
    return b"data: " + error_body(error) + b"\n\n"


def is_error(answer: Members) -> bool:
    return wire.kind(answer, "error") is dict


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error, or holds nothing that a model said."""
    return says_error(answer) or answer.keys().isdisjoint(_ANSWERS)


def says_error(answer: Members) -> bool:
    return lenient.says(answer.get("error")) or lenient.peek(answer, "object") == "error"


def _check_chat(fields: Members) -> None:
    wire.require(fields, "messages", list)


def _check_completion(fields: Members) -> None:
    """Check a prompt, which may be empty before a suffix: a completion at the very beginning of a file."""
    if wire.kind(fields, "prompt") is not str or not lenient.says(fields.get("suffix")):
        wire.require(fields, "prompt", str, list)


def _by_suffix(fields: Members) -> Endpoint:
    """Return the endpoint of a request for one completion after a prompt, in a gap, or at the end of a file."""
    if wire.kind(fields, "suffix") is not str or wire.kind(fields, "prompt") not in (str, None):
        return COMPLETIONS
    return GAP_COMPLETIONS if lenient.says(fields["suffix"]) else END_COMPLETIONS


CLIENT = ClientDialect(
    error_body=error_body,
    error_event=error_event,
    put_cost=put_cost,
    personal=("user", "safety_identifier"),
)
UPSTREAM = UpstreamDialect(
    is_error=is_error,
    failure=failure,
    usage=usage_of,
    relay=relay,
    ask_for_usage=ask_for_usage,
    as_stream=as_stream,
    forwarded={"openai-beta": None},
)

CHAT = Endpoint(
    "chat",
    "/chat/completions",
    ("chat", "agent"),
    _check_chat,
    CLIENT,
    UPSTREAM,
    prompt=("messages", "tools"),
    answer=("choices",),
    pseudonym="safety_identifier",
)
COMPLETIONS = Endpoint(
    "completions",
    "/completions",
    ("completion", "chat"),
    _check_completion,
    CLIENT,
    UPSTREAM,
    prompt=("prompt", "suffix"),
    answer=("choices",),
    task="completion",
    pseudonym="user",
    length="max_tokens",
    also=("/beta/completions", "/v1/beta/completions"),
    refine=_by_suffix,
)
GAP_COMPLETIONS = replace(COMPLETIONS, variant=GAP)
END_COMPLETIONS = replace(COMPLETIONS, variant=END)
