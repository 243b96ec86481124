"""Bodies of requests that are read before it is decided who serves them."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.types import Message, Receive, Scope

from gateway.api.client import read_body
from gateway.errors import InvalidRequest, TooLarge

_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


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
    """What decides who serves a message, and what makes it one."""

    jsonrpc: Literal["2.0"]
    id: int | str | UnsetType = UNSET
    method: str = ""
    params: _Params = _Params()


_decode = msgspec.json.Decoder(Head).decode


def head_of(body: bytes) -> Head:
    """Return the head of a message, as far as it can be read; the SDK says what is wrong with the rest.

    Raises `InvalidRequest` for JSON that is no message.
    """
    try:
        return _decode(body)
    except _UNREADABLE:
        _check(body)
        return Head("2.0", method=method_of(body))


def _check(body: bytes) -> None:
    """Raise `InvalidRequest` for JSON that is no message: the SDK would take it for another, or name its own types."""
    try:
        found: Any = msgspec.json.decode(body)
    except _UNREADABLE:
        return
    if isinstance(found, list):
        raise InvalidRequest("Send one message a request; batches are not taken.")
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        raise InvalidRequest("Send a message of JSON-RPC: an object with 'jsonrpc': '2.0'.")
    if "id" in found and (isinstance(found["id"], bool) or not isinstance(found["id"], int | str)):
        raise InvalidRequest("The 'id' of a message must be a text or a whole number.")
    if not isinstance(found.get("method", ""), str):
        raise InvalidRequest("The 'method' of a message must be a text.")
    if not isinstance(found.get("params", {}), dict | type(None)):
        raise InvalidRequest("The 'params' of a message must be an object.")


class _Method(msgspec.Struct):
    method: str = ""


_decode_method = msgspec.json.Decoder(_Method).decode


def method_of(body: bytes) -> str:
    """Return the method of a message, as far as it can be read."""
    try:
        return _decode_method(body).method
    except _UNREADABLE:
        return ""
