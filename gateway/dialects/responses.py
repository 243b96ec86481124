"""OpenAI's Responses: what requests must hold, what answers tell.

Source: platform.openai.com/docs/api-reference/{responses,responses-streaming}.
"""

from typing import Any

from msgspec import Raw, Struct

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.faults import fault_of
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import BROKEN, DONE, FAILED, OPENED, WAITING, NativeRelay, Step
from gateway.dialects.usage import Usage, from_responses
from gateway.errors import ApiError, InvalidRequest
from gateway.wire import Members

_ANSWERS = frozenset(("output", "input_tokens", "object"))

_ENDS = ("response.completed", "response.incomplete", "response.failed")
_ANNOUNCING = ("response.created", "response.queued", "response.in_progress")


class _Bare(Struct, gc=False):
    type: Any = None
    delta: Any = None
    error: Raw = NOTHING
    response: Any = None


class _Response(Struct, gc=False):
    model: Any = None
    usage: Raw = NOTHING
    id: Any = None


class _Event(_Bare, gc=False):
    response: _Response | None = None


class ResponsesRelay(PassThrough):
    """Everything that counts is in the final event, which repeats the whole answer.

    An `error` is followed by `response.failed`, of which some clients read only the second: both are the end.
    """

    shapes = (_Event, _Bare)
    holder = "response"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._held = b""
        """The event `error`, until the one that follows it is here."""

    def name_of(self, fields: _Bare) -> Any:
        return fields.response.model if type(fields.response) is _Response else None

    def read(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        kind = fields.type
        if fields.delta:
            self.wrote(fields.delta)
        if kind in _ENDS:
            return self._last(fields, kind, payload, event)
        if self._held or kind == "error" or lenient.says(fields.error):
            return self.failed(payload, event)
        if self.state is WAITING and kind not in _ANNOUNCING:
            self.state = OPENED
        return event

    def failed(self, payload: bytes, event: bytes) -> bytes:
        if self._held:  # what follows an error and is not `response.failed` tells nothing
            return b""
        self.error, self._held = payload, event
        return b""

    def end(self) -> Step:
        step = super().end()
        if self._held and self.state is BROKEN:
            self.state = FAILED
            return Step(step.block, self._held + _failed_after(self.error or b"", self.events))
        return step

    def _last(self, fields: _Bare, kind: Any, payload: bytes, event: bytes) -> bytes:
        self.state = DONE
        if kind == "response.failed":
            self.state, self.error = FAILED, self.error or payload
        answer = fields.response
        if isinstance(answer, _Response):
            self.usage = from_responses(lenient.value(answer.usage))
            self.answer_id = _text(answer.id)
        return self._held + event


def relay(model: str, request: Members) -> NativeRelay:
    return ResponsesRelay(model)


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer."""
    return from_responses(lenient.peek(answer, "usage"))


def answer_id(answer: Members) -> str | None:
    """Return what the client may send as `previous_response_id`."""
    return _text(lenient.peek(answer, "id"))


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error, or none at all."""
    failed = lenient.peek(answer, "status") == "failed" or chat.says_error(answer)
    return failed or answer.keys().isdisjoint(_ANSWERS)


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    """Return the end of a stream that broke: `error`, which OpenAI's clients raise, then `response.failed`.

    Codex shows the reason only of the second.
    """
    fault_fields = chat.error_object(error)
    documented = {name: fault_fields[name] for name in ("code", "message", "param")}
    first = {"type": "error", "sequence_number": number, **documented, "error": fault_fields}
    fault = {"code": "server_error", "message": error.message}
    response = {"id": f"resp_{request_id}", "object": "response", "status": "failed", "error": fault, "output": []}
    second = {"type": "response.failed", "sequence_number": number + 1, "response": response}
    return _event(first) + _event(second)


def _event(content: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (content["type"].encode(), wire.encode(content))


def _failed_after(error: bytes, number: int) -> bytes:
    """Return the `response.failed` that an upstream left out after its `error`."""
    message = fault_of(error).words or "The model's server failed."
    response = {"object": "response", "status": "failed", "error": {"code": "server_error", "message": message}}
    return _event({"type": "response.failed", "sequence_number": number, "response": {**response, "output": []}})


def _text(found: Any) -> str | None:
    return found if isinstance(found, str) and found else None


def _check(fields: Members) -> None:
    """Check a request. `input` may be absent, as a stored prompt or the instructions alone can be enough."""
    if wire.kind(fields, "input") not in (None, str, list):
        raise InvalidRequest("The field 'input' must be a string or an array.", code="invalid_type", param="input")
    if wire.flag(fields, "background"):
        raise InvalidRequest(
            "The field 'background' must be false or absent: the gateway keeps no answers to be fetched later.",
            code="unsupported_value",
            param="background",
        )


CLIENT = ClientDialect(
    error_body=chat.error_body,
    error_event=error_event,
    fails_with_answer=True,
    personal=("user", "safety_identifier"),
)
UPSTREAM = UpstreamDialect(
    is_error=chat.is_error,
    failure=failure,
    usage=usage_of,
    relay=relay,
    answer_id=answer_id,
    forwarded={"openai-beta": None},
)

RESPONSES = Endpoint(
    "responses",
    "/responses",
    ("chat", "agent"),
    _check,
    CLIENT,
    UPSTREAM,
    prompt=("instructions", "input", "tools"),
    answer=("output",),
    pseudonym="safety_identifier",
)
INPUT_TOKENS = Endpoint(
    "responses",
    "/responses/input_tokens",
    ("chat", "agent"),
    _check,
    CLIENT,
    UPSTREAM,
    prompt=(),
    streams=False,
    task="count_tokens",
    counts=RESPONSES.prompt,
    optional=True,
    names_model=False,
)
COMPACT = Endpoint(
    "responses",
    "/responses/compact",
    ("chat", "agent"),
    _check,
    CLIENT,
    UPSTREAM,
    prompt=("instructions", "input"),
    answer=("output",),
    streams=False,
    optional=True,
    names_model=False,
    pseudonym="safety_identifier",
)
"""A conversation made shorter by its model."""
