"""Names and numbers of the protocol that both sides need."""

from typing import Any, Final

from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

__all__ = [
    "CLIENT_CAPABILITIES_META_KEY",
    "CLIENT_INFO_META_KEY",
    "HANDSHAKE_PROTOCOL_VERSIONS",
    "LATEST_HANDSHAKE_VERSION",
    "LATEST_MODERN_VERSION",
    "LOG_LEVEL_META_KEY",
    "PROTOCOL_VERSION_META_KEY",
    "SERVER_INFO_META_KEY",
    "SUBSCRIPTION_ID_META_KEY",
]

Params = dict[str, Any]
Result = dict[str, Any]

OUR_INFO: Final = {"name": "sekisho", "title": "Sekisho", "version": "0.1.0"}
META: Final = "_meta"
OWN_META_PREFIX: Final = "io.modelcontextprotocol/"
"""Members of `_meta` with it belong to one connection and are never passed on."""

LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""From the lowest to the highest."""

ASKING: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""What a server may ask a client, and the capability that the client must have declared for it."""

RESOURCE_NOT_FOUND: Final = -32002
"""Of revisions up to 2025-11-25; newer ones say -32602."""
URL_ELICITATION_REQUIRED: Final = -32042
CONNECTION_CLOSED: Final = -32000
TIMED_OUT: Final = -32001


def foreign_meta(params: Params | None) -> Params:
    """Return what `_meta` of a message holds besides the protocol's own members; it is passed on."""
    meta = (params or {}).get(META)
    if not isinstance(meta, dict):
        return {}
    own = {name for name in meta if name.startswith(OWN_META_PREFIX) or name == "progressToken"}
    return {name: value for name, value in meta.items() if name not in own}
