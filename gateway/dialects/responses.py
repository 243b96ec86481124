"""OpenAI's Responses: what requests must hold, what answers tell.

Source: platform.openai.com/docs/api-reference/{responses,responses-streaming}.
"""

import re
from typing import Any

import msgspec

from gateway import wire
from gateway.dialects import openai
from gateway.dialects.family import Dialect, Family
from gateway.dialects.usage import Usage, from_responses
from gateway.errors import ApiError, InvalidRequest
from gateway.streaming import Relay
from gateway.wire import Members

_FINAL = ("response.completed", "response.incomplete", "response.failed", "error")
_FAILED = ("response.failed", "error")
_STATUSES = {"rate_limit_exceeded": 429, "invalid_prompt": 400, "context_length_exceeded": 400}


class ResponsesRelay(Relay):
    """Everything that counts is in the final event, which repeats the whole answer."""

    marks = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"', b'"error"')
    holder = "response"
    texts = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]|\\.)+)"')

    def told(self, fields: Members, payload: bytes, event: bytes) -> bytes:
        kind = wire.value(fields, "type")
        if kind in _FINAL:
            self.done = True
            self.error = payload if kind in _FAILED else None
            answer = _response(fields)
            self.usage, self.answer_id = usage_of(answer), answer_id(answer)
        return event


def relay(model: str, request: Members) -> Relay:
    return ResponsesRelay(model)


def usage_of(answer: Members) -> Usage | None:
    """The token counts of a whole answer."""
    return from_responses(wire.value(answer, "usage"))


def answer_id(answer: Members) -> str | None:
    """What the client may send as `previous_response_id`."""
    return wire.value(answer, "id") if wire.kind(answer, "id") is str else None


def has_failed(answer: Members) -> bool:
    return bool(wire.value(answer, "status") == "failed")


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """The end of a stream that broke, as OpenAI sends it: `error`, which its clients raise, then `response.failed`.

    Codex shows the reason only of the second.
    """
    told = openai.error_object(error)
    documented = {name: told[name] for name in ("code", "message", "param")}
    first = {"type": "error", "sequence_number": number, **documented, "error": told}
    fault = {"code": "server_error", "message": error.message}
    response = {"id": f"resp_{request_id}", "object": "response", "status": "failed", "error": fault, "output": []}
    second = {"type": "response.failed", "sequence_number": number + 1, "response": response}
    return _event(first) + _event(second)


def _event(content: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (content["type"].encode(), wire.encode(content))


def error_status(event: bytes) -> int:
    """By the code of an `error` or `response.failed` event."""
    fields = wire.members(event)
    found = _response(fields) or fields
    code = wire.value(_object(found, "error") or found, "code")
    return _STATUSES.get(code, 502) if isinstance(code, str) else 502


def _response(fields: Members) -> Members:
    return _object(fields, "response")


def _object(fields: Members, name: str) -> Members:
    try:
        return wire.members(fields.get(name, b"{}"))
    except msgspec.DecodeError:
        return {}


def _check(fields: Members) -> None:
    """`input` may be absent, as a stored prompt or the instructions alone can be enough."""
    if wire.kind(fields, "input") not in (None, str, list):
        raise InvalidRequest("The field 'input' must be a string or an array.", code="invalid_type", param="input")
    if wire.flag(fields, "background"):
        raise InvalidRequest(
            "The field 'background' must be false or absent: the gateway keeps no answers to be fetched later.",
            code="unsupported_value",
            param="background",
        )


DIALECT = Dialect(
    error_body=openai.error_body,
    error_event=error_event,
    is_error=openai.is_error,
    error_status=error_status,
    usage=usage_of,
    relay=relay,
    has_failed=has_failed,
    answer_id=answer_id,
    forwarded={"openai-beta": None},
    personal=("user", "safety_identifier"),
)

RESPONSES = Family(
    "responses",
    "/responses",
    ("chat", "agent"),
    _check,
    DIALECT,
    prompt=("instructions", "input", "tools"),
    pseudonym="safety_identifier",
)
