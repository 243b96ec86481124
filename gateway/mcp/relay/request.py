"""A client's request as it goes to a server. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
from mcp.shared.inbound import mcp_param_headers, x_mcp_header_map

from gateway.config.mcp import McpTimeouts
from gateway.mcp.capabilities import Capabilities
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import META, Params, foreign_meta
from gateway.mcp.relay.state import State
from gateway.mcp.upstream.pool import Group
from gateway.mcp.upstream.session import Era

_ONLY_MODERN = ("inputResponses", "requestState")


class Request(msgspec.Struct, frozen=True):
    """A request with the server's own names in it."""

    client: Client
    group: Group
    method: str
    params: Params
    era: Era | None
    """Of the server, as far as it is known."""
    tool: Entry | None = None
    """The definition of the tool that is called."""

    @property
    def server(self) -> str:
        return self.group.way.name

    @property
    def timeouts(self) -> McpTimeouts:
        return self.group.way.server.timeouts


def offered(request: Request) -> Capabilities:
    """Return what a server may ask during a call: what the client can do, and the gateway's model for it."""
    own = request.client.capabilities
    return own if request.group.way.server.sampling is None else {"sampling": {}, **own}


def owner_of(client: Client) -> str:
    """Return to whom a call that waits, or the rest of a result, belongs."""
    return f"{client.caller.key.id}@{client.view.name}@{client.principal}"


def carried_on(state: State | None, answered: Any) -> Params:
    """Return what a repeated request carries to a newer server besides the request."""
    here = state.answers if state else {}
    again: Params = {"inputResponses": {**answered, **here}} if isinstance(answered, dict) else {}
    return {**again, "requestState": state.value} if state and state.value is not None else again


def plain_params(params: Params) -> Params:
    """Return a request without what belongs to the client's own round."""
    plain = {name: value for name, value in params.items() if name not in _ONLY_MODERN and name != META}
    meta = foreign_meta(params)
    return {**plain, META: meta} if meta else plain


def param_headers(request: Request) -> Mapping[str, str]:
    """Return the headers in which a newer server wants some arguments repeated."""
    schema, arguments = (request.tool or {}).get("inputSchema"), request.params.get("arguments")
    if request.group.way.server.url is None or schema is None:
        return {}
    table = x_mcp_header_map(schema)
    return mcp_param_headers(table, arguments if isinstance(arguments, dict) else {}) if table else {}


def may_repeat(request: Request) -> bool:
    """Return whether a call that broke off may be made again: where the configuration believes the server in this."""
    annotations = (request.tool or {}).get("annotations") or {}
    harmless = annotations.get("readOnlyHint") is True or annotations.get("idempotentHint") is True
    return request.group.way.server.retry_read_only and harmless
