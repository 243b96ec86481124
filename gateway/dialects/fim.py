"""Mistral's fill-in-the-middle: a prompt and a suffix go up, an answer in the shape of Chat Completions comes back.

Source: docs.mistral.ai/api, POST /v1/fim/completions.
"""

from dataclasses import replace

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.chat_stream import ChatRelay, as_stream, put_cost
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import END, GAP, Endpoint
from gateway.dialects.relay import NativeRelay
from gateway.errors import ApiError, InvalidRequest
from gateway.wire import Members

_TYPES = {"prompt": "a string: the text before the cursor", "suffix": "a string: the text after the cursor"}


def check(fields: Members) -> None:
    """Check both texts, of which one may be empty. Raises `InvalidRequest`."""
    for name in ("prompt", "suffix"):
        if wire.kind(fields, name) not in (str, None):
            raise InvalidRequest(f"The field '{name}' must be {_TYPES[name]}.", code="invalid_type", param=name)
    if not lenient.says(fields.get("suffix")):
        wire.require(fields, "prompt", str)


def _by_suffix(fields: Members) -> Endpoint:
    return FIM if lenient.says(fields.get("suffix")) else END_FIM


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """Return an error with Mistral's members and, beside them, OpenAI's, which most clients of this route read."""
    inner = chat.error_object(error)
    return wire.encode({"object": "error", **inner, "error": inner})


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    return b"data: " + error_body(error) + b"\n\n"


def is_error(answer: Members) -> bool:
    return lenient.peek(answer, "object") == "error" or chat.is_error(answer)


def relay(model: str, request: Members) -> NativeRelay:
    """Send the counts on: the last chunk has them, asked for or not."""
    return ChatRelay(model, hide_usage=False)


CLIENT = ClientDialect(error_body=error_body, error_event=error_event, put_cost=put_cost, personal=("user",))
UPSTREAM = UpstreamDialect(
    is_error=is_error, failure=chat.failure, usage=chat.usage_of, relay=relay, as_stream=as_stream
)
END_FIM = Endpoint(
    "fim",
    "/fim/completions",
    ("completion", "chat"),
    check,
    CLIENT,
    UPSTREAM,
    prompt=("prompt", "suffix"),
    answer=("choices",),
    task="completion",
    length="max_tokens",
    optional=True,
    variant=END,
)
FIM = replace(END_FIM, variant=GAP, refine=_by_suffix)
