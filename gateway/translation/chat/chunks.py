"""Chunks of an upstream's stream as typed data: at once where they are as documented, with tolerance where not."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway import lenient
from gateway.dialects.passthrough import NOTHING
from gateway.translation.chat.values import content_of, object_of, objects_of, str_of

Fields = dict[str, Any]


class Function(Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class Custom(Struct, gc=False):
    name: str | None = None
    input: str | None = None


class CallDelta(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None


class DeltaMessage(Struct, gc=False):
    content: str | list[Any] | None = None
    """An array at Mistral."""
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[CallDelta] | None = None
    function_call: Function | None = None
    reasoning_details: list[Fields] | None = None
    annotations: list[Fields] | None = None
    images: list[Fields] | None = None
    audio: Fields | None = None


class Choice(Struct, gc=False):
    index: int = 0
    delta: DeltaMessage | None = None
    finish_reason: str | None = None
    logprobs: Fields | None = None
    error: Raw = NOTHING


class Chunk(Struct, gc=False):
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    object: str | None = None
    choices: list[Choice] | None = None
    usage: Fields | None = None
    service_tier: str | None = None
    x_groq: Any = None
    error: Raw = NOTHING


_decode = msgspec.json.Decoder(Chunk).decode
_decode_any = msgspec.json.Decoder().decode


def read_chunk(payload: bytes) -> Chunk | None:
    """Return a chunk; None for what is no JSON object."""
    try:
        return _decode(payload)
    except lenient.UNREADABLE:
        pass
    try:
        found = _decode_any(payload)
    except lenient.UNREADABLE:
        found = _mended(payload)
    return _tolerant(found) if isinstance(found, dict) else None


def _mended(payload: bytes) -> Any:
    try:
        return _decode_any(lenient.readable(payload))
    except lenient.UNREADABLE:
        return None


def _tolerant(found: Fields) -> Chunk:
    """Return what of a chunk has the type that it should have."""
    created = found.get("created")
    return Chunk(
        id=str_of(found, "id"),
        model=str_of(found, "model"),
        created=created if isinstance(created, int | float) else None,
        object=str_of(found, "object"),
        choices=[_choice(each) for each in objects_of(found, "choices")],
        usage=object_of(found, "usage") or None,
        service_tier=str_of(found, "service_tier") or None,
        x_groq=found.get("x_groq"),
        error=_raw(found.get("error")),
    )


def _raw(found: Any) -> Raw:
    return NOTHING if found is None else Raw(msgspec.json.encode(found))


def _choice(found: Fields) -> Choice:
    index = found.get("index")
    return Choice(
        index=index if type(index) is int else 0,
        delta=_delta(object_of(found, "delta")),
        finish_reason=str_of(found, "finish_reason") or None,
        logprobs=object_of(found, "logprobs") or None,
        error=_raw(found.get("error")),
    )


def _delta(found: Fields) -> DeltaMessage:
    return DeltaMessage(
        content=content_of(found),
        reasoning_content=str_of(found, "reasoning_content"),
        reasoning=str_of(found, "reasoning"),
        refusal=str_of(found, "refusal"),
        tool_calls=[_call(each) for each in objects_of(found, "tool_calls")],
        function_call=_function(found),
        reasoning_details=objects_of(found, "reasoning_details"),
        annotations=objects_of(found, "annotations"),
        images=objects_of(found, "images"),
        audio=object_of(found, "audio") or None,
    )


def _call(found: Fields) -> CallDelta:
    index = found.get("index")
    custom = object_of(found, "custom")
    return CallDelta(
        index=index if type(index) is int else None,
        id=str_of(found, "id"),
        function=_function({"function_call": found.get("function")}),
        custom=Custom(str_of(custom, "name"), str_of(custom, "input")) if custom else None,
        extra_content=found.get("extra_content"),
    )


def _function(found: Fields) -> Function | None:
    function = object_of(found, "function_call")
    arguments = function.get("arguments")
    if isinstance(arguments, dict | list):
        arguments = msgspec.json.encode(arguments).decode()
    return Function(str_of(function, "name"), arguments if isinstance(arguments, str) else "") if function else None
