"""Bodies of requests that are read before it is decided who serves them."""

import msgspec
from starlette.types import Message, Receive, Scope

from gateway.api.client import read_body
from gateway.errors import TooLarge


async def body_of(scope: Scope, receive: Receive, limit: int) -> bytes:
    try:
        return await read_body(scope, receive, limit)
    except TooLarge:
        raise TooLarge(
            f"The request body is larger than {limit:,} bytes. Send less, or ask the administrator to raise "
            "'mcp.max_body_bytes'."
        ) from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class _Params(msgspec.Struct, frozen=True):
    state: str = msgspec.field(name="requestState", default="")
    uri: str = ""


class Head(msgspec.Struct, frozen=True):
    """What decides who serves a message."""

    method: str = ""
    params: _Params = _Params()


_decode = msgspec.json.Decoder(Head).decode


def head_of(body: bytes) -> Head:
    """Return the head of a message, as far as it can be read; the SDK says what is wrong with the rest."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Head(method_of(body))


class _Method(msgspec.Struct):
    method: str = ""


_decode_method = msgspec.json.Decoder(_Method).decode


def method_of(body: bytes) -> str:
    """Return the method of a message, as far as it can be read."""
    try:
        return _decode_method(body).method
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
