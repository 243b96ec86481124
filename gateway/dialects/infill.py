"""llama.cpp's infill, which llama.vscode and llama.vim call: texts around the cursor, and parts of other files.

Source: github.com/ggml-org/llama.cpp, tools/server/README.md, POST /infill.
"""

from dataclasses import replace
from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect, UpstreamDialect
from gateway.dialects.endpoint import END, GAP, Endpoint
from gateway.dialects.infill_stream import InfillRelay, as_stream
from gateway.dialects.relay import NativeRelay
from gateway.dialects.usage import from_infill
from gateway.errors import ApiError, InvalidRequest
from gateway.wire import LARGE_BYTES, Members

MOST_TOKENS = 1_000_000
_MOST_EXTRAS = 1024
_TEXTS = ("input_prefix", "input_suffix", "prompt")
_NOT_LIMITED = (-1, -2)
"""llama.cpp's "as many as you like" and "until the context is full"."""


class _Extra(msgspec.Struct):
    text: str
    filename: str | None = None


_decode_extras = msgspec.json.Decoder(list[_Extra]).decode


def check(fields: Members) -> None:
    """Check the texts, the other files and the number of tokens. Raises `InvalidRequest` naming the member."""
    for name in _TEXTS:
        if wire.kind(fields, name) not in (str, None):
            raise InvalidRequest(f"The field '{name}' must be a string.", code="invalid_type", param=name)
    if wire.kind(fields, "n_predict") is not None:
        _check_tokens(wire.value(fields, "n_predict"))
    extras(fields)
    if not (warms(fields) or any(lenient.says(fields.get(name)) for name in _TEXTS)):
        raise InvalidRequest(
            "The fields 'input_prefix' and 'input_suffix' are empty: there is nothing to complete.",
            code="missing_field",
            param="input_prefix",
        )


def extras(fields: Members) -> list[_Extra]:
    """Return parts of other files. Raises `InvalidRequest` where they are too long, or something else."""
    raw = fields.get("input_extra")
    if raw is None or wire.kind(fields, "input_extra") is None:
        return []
    if len(raw) > LARGE_BYTES:
        raise InvalidRequest(
            f"The field 'input_extra' is longer than {LARGE_BYTES:,} bytes; send fewer or shorter parts of files.",
            param="input_extra",
        )
    if wire.kind(fields, "input_extra") is list:
        wire.count_items(raw, _MOST_EXTRAS, "input_extra")
    try:
        return _decode_extras(raw)
    except lenient.UNREADABLE:
        raise InvalidRequest(
            'The field \'input_extra\' must be an array of {"filename": string, "text": string}.',
            code="invalid_type",
            param="input_extra",
        ) from None


def warms(fields: Members) -> bool:
    """Return whether a request only fills the server's cache, as editors let it between two keystrokes."""
    return bytes(fields.get("n_predict", b"")) == b"0"


def _by_suffix(fields: Members) -> Endpoint:
    return INFILL if lenient.says(fields.get("input_suffix")) else END_INFILL


def _check_tokens(asked: Any) -> None:
    if type(asked) is not int or not (0 <= asked <= MOST_TOKENS or asked in _NOT_LIMITED):
        raise InvalidRequest(
            f"The field 'n_predict' must be a whole number up to {MOST_TOKENS:,}; -1 = no limit.", param="n_predict"
        )


def error_body(error: ApiError, request_id: str | None = None) -> bytes:
    """Return an error as llama.cpp sends it, where `code` is the status."""
    return wire.encode({"error": {"code": error.status, "message": error.message, "type": error.type}})


def error_event(error: ApiError, request_id: str, number: int) -> bytes:
    return b"data: " + error_body(error) + b"\n\n"


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error."""
    return lenient.says(answer.get("error")) or "content" not in answer


def relay(model: str, request: Members) -> NativeRelay:
    return InfillRelay(model)


CLIENT = ClientDialect(error_body=error_body, error_event=error_event, drops_silently=True, personal=("user",))
UPSTREAM = UpstreamDialect(is_error=chat.is_error, failure=failure, usage=from_infill, relay=relay, as_stream=as_stream)
END_INFILL = Endpoint(
    "infill",
    "/infill",
    ("completion", "chat"),
    check,
    CLIENT,
    UPSTREAM,
    prompt=("input_extra", *_TEXTS),
    answer=("content",),
    task="completion",
    length="n_predict",
    also=("/infill",),
    model_optional=True,
    warms=warms,
    optional=True,
    variant=END,
)
INFILL = replace(END_INFILL, variant=GAP, refine=_by_suffix)
