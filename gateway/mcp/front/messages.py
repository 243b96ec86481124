"""ASGI messages around the SDK: a body that is read first, and the answer on its way."""

import msgspec
from starlette.types import Message, Receive, Scope, Send

from gateway.api.client import read_body
from gateway.errors import TooLarge
from gateway.mcp.front.exchange import McpExchange


def noting(exchange: McpExchange, send: Send) -> Send:
    """Return a `send` that notes the status, and tells the request's id."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.answered = message["status"]
            named = [(b"x-sekisho-request-id", exchange.recorder.request_id.encode())]
            message = {**message, "headers": [*message.get("headers", ()), *named]}
        await send(message)

    return noted


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
