"""Which machine's hub a request belongs to: ids of sessions, waiting calls and rests of results begin with its name."""

import json
from typing import Any

import msgspec
from mcp.server.request_state import InvalidRequestState, RequestStateCodec
from starlette.types import Scope

from gateway.mcp.bodies import Head
from gateway.mcp.ids import hub_of
from gateway.mcp.relay.cutting import SCHEME
from gateway.mcp.relay.state import State

_HEADER = b"mcp-session-id"


def hub_asked(scope: Scope, head: Head, codec: RequestStateCodec) -> str | None:
    """Return the hub that must serve a request; None where any can."""
    session = next((value for name, value in scope["headers"] if name == _HEADER), None)
    if session is not None:
        return hub_of(session.decode("latin-1"))
    if head.params.uri.startswith(SCHEME):
        return hub_of(head.params.uri.removeprefix(SCHEME))
    return _of_state(head.params.state, codec) if head.params.state else None


def without_hub(scope: Scope, hub: str) -> Scope:
    """Return a request with the id of its session as this hub knows it."""
    own = f"{hub}.".encode()
    headers = [
        (name, value.removeprefix(own)) if name == _HEADER else (name, value) for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def with_hub(headers: list[tuple[bytes, bytes]], hub: str) -> list[tuple[bytes, bytes]]:
    """Return headers of an answer with the id of its session as clients know it."""
    own = f"{hub}.".encode()
    return [(name, own + value) if name == _HEADER else (name, value) for name, value in headers]


def _of_state(sealed: str, codec: RequestStateCodec) -> str | None:
    """Return whose call a sealed state is about. One that cannot be opened is refused where it is served."""
    try:
        claims: Any = json.loads(codec.unseal(sealed))
        state = msgspec.json.decode(claims["s"], type=State)
    except (InvalidRequestState, ValueError, KeyError, TypeError, msgspec.DecodeError):
        return None
    return hub_of(state.value) if state.kind == "parked" and state.value else None
