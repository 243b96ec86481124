"""What the hub puts into `requestState`; the SDK seals it for principal, request and time. Pure."""

from typing import Literal

import msgspec

from gateway.mcp.protocol import Params
from gateway.mcp.relay.parked import expired


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a call that asked something goes on."""

    kind: Literal["parked", "upstream", "sign_in"]
    server: str
    value: str | None = None
    """The id of a parked call, or the server's own state."""
    answers: Params = {}
    """What the gateway's model has answered of the same round, by the server's keys."""


def encode(state: State) -> str:
    return msgspec.json.encode(state).decode()


def asked_by(text: object) -> str | None:
    """Return the server at which a person was asked to sign in; None where a call waits for something else."""
    try:
        state = msgspec.json.decode(text, type=State) if isinstance(text, str) else None
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return state.server if state and state.kind == "sign_in" else None


def decode(text: str, server: str) -> State:
    """Return the state of a call of this server. Raises `MCPError`."""
    try:
        state = msgspec.json.decode(text, type=State)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise expired() from None
    if state.server != server:
        raise expired()
    return state
