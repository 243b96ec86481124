"""A client's request as the hub sees it, whatever its era."""

import logging
from typing import Any

from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.shared.dispatcher import CallOptions
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gateway.identity.caller import Caller
from gateway.mcp.capabilities import Capabilities, relayed
from gateway.mcp.front.sessions import SessionState
from gateway.mcp.principal import principal_of
from gateway.mcp.protocol import (
    CLIENT_CAPABILITIES_META_KEY,
    LOG_LEVEL_META_KEY,
    LOG_LEVELS,
    META,
    Params,
    Result,
)
from gateway.mcp.views import View

log = logging.getLogger("sekisho.mcp")


class Client:
    """Who asks, in which view, with which abilities; and the way back on the request's own stream."""

    def __init__(self, ctx: ServerRequestContext[Any, Any], caller: Caller, view: View) -> None:
        self.ctx = ctx
        self.caller = caller
        self.view = view
        self.version = ctx.protocol_version
        self.modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        self.principal = principal_of(caller)
        meta = (ctx.params or {}).get(META)
        self.meta: Params = meta if isinstance(meta, dict) else {}
        self.capabilities: Capabilities = self._capabilities()
        token = self.meta.get("progressToken")
        self.progress_token = token if isinstance(token, str | int) and not isinstance(token, bool) else None

    @property
    def session(self) -> SessionState | None:
        """Return the session of an older client."""
        return None if self.modern else connection_of(self.ctx).state.get("sekisho")

    @property
    def log_level(self) -> str | None:
        """Return from which level on the client wants log lines; None = none of them."""
        if self.modern:
            level = self.meta.get(LOG_LEVEL_META_KEY)
            return level if level in LOG_LEVELS else None
        return self.session.log_level if self.session else LOG_LEVELS[0]

    async def notify(self, method: str, params: Params) -> None:
        """Send a notification on the stream of this request; without one it is dropped."""
        await _outbound(self.ctx).notify(method, params)

    async def ask(self, method: str, params: Params, seconds: float) -> Result:
        """Ask an older client on the stream of this request and return its answer. Raises `MCPError`."""
        options: CallOptions = {"timeout": seconds}
        found: Result = await _outbound(self.ctx).send_raw_request(method, params, options)
        return found

    def _capabilities(self) -> Capabilities:
        if self.modern:
            return relayed(self.meta.get(CLIENT_CAPABILITIES_META_KEY))
        declared = self.ctx.session.client_capabilities
        return relayed(declared.model_dump(by_alias=True, mode="json", exclude_none=True)) if declared else {}


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """Return the SDK's connection of a request. Its own helpers are typed and drop fields that they do not know."""
    connection: Connection = ctx.session._connection
    return connection


def _outbound(ctx: ServerRequestContext[Any, Any]) -> Any:
    return ctx.session._request_outbound
