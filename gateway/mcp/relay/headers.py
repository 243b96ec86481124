"""Headers in which newer clients repeat arguments of a call: they must say what the body says."""

from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import InboundLadderRejection, validate_mcp_param_headers

from gateway.mcp.catalog.clean import Entry
from gateway.mcp.front.client import Client

_PREFIX = "mcp-param-"


def check_param_headers(client: Client, tool: Entry, arguments: dict[str, Any]) -> None:
    """Raise `MCPError` where a header and an argument differ."""
    if not client.modern or client.ctx.request is None:
        return
    headers = _Folded(client.ctx.request.scope["headers"])
    found = validate_mcp_param_headers(tool["inputSchema"], arguments, headers)
    if isinstance(found, InboundLadderRejection):
        raise MCPError(found.code, found.message, found.data)


class _Folded(dict[str, str]):
    """Headers whose doublets can still be seen: the SDK refuses those."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__()
        for name, value in raw:
            lowered = name.decode("latin-1").lower()
            if lowered.startswith(_PREFIX):
                self[lowered if lowered not in self else lowered.upper()] = value.decode("latin-1")
