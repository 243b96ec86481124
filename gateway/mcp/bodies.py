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


class _Head(msgspec.Struct):
    method: str = ""


_decode_head = msgspec.json.Decoder(_Head).decode


def method_of(body: bytes) -> str:
    """Return the method of a message, as far as it can be read; the SDK says what is wrong with the rest."""
    try:
        return _decode_head(body).method
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
