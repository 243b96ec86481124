"""What each method of the protocol does at the hub: a table, under the SDK's server."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, methods

from gateway.mcp.front.calls import Calls
from gateway.mcp.front.client import Client, connection_of
from gateway.mcp.front.exchange import McpExchange, exchange_of
from gateway.mcp.front.listening import Listening
from gateway.mcp.front.lists import Lists
from gateway.mcp.front.sessions import SessionState
from gateway.mcp.hub import Hub
from gateway.mcp.protocol import LOG_LEVELS, Params, Result
from gateway.mcp.relay.results import for_client

Handler = Callable[[Client, Params], Awaitable[Result]]


class Handlers:
    """A middleware of the SDK's server that answers every method that the hub knows.

    It works on plain data: the SDK's own handlers are typed, and drop what their types do not name.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        lists, calls, listening = Lists(hub), Calls(hub), Listening(hub)
        self._table: dict[str, Handler] = {
            "server/discover": lists.discover,
            "tools/list": lists.tools,
            "resources/list": lists.resources,
            "resources/templates/list": lists.templates,
            "prompts/list": lists.prompts,
            "completion/complete": calls.complete,
            "resources/subscribe": listening.subscribe,
            "resources/unsubscribe": listening.unsubscribe,
            "subscriptions/listen": listening.listen,
            "logging/setLevel": _set_level,
        }
        self._metered: dict[str, Callable[[Client, Params, McpExchange], Awaitable[Result]]] = {
            "tools/call": calls.call_tool,
            "resources/read": calls.read,
            "prompts/get": calls.get_prompt,
        }
        self._lists = lists

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "initialize":
            return await self._initialize(ctx, call_next)
        if ctx.method == "notifications/roots/list_changed":
            await self._hub.roots_changed(Client(ctx, exchange_of(ctx).caller, exchange_of(ctx).view))
        metered, handler = self._metered.get(ctx.method), self._table.get(ctx.method)
        if ctx.request_id is None or (metered is None and handler is None):
            return await call_next(ctx)
        _check(ctx)
        exchange = exchange_of(ctx)
        client = Client(ctx, exchange.caller, exchange.view)
        params = dict(ctx.params or {})
        if metered is None:
            assert handler is not None
            result = await handler(client, params)
        else:
            async with exchange.metered():
                result = await metered(client, params, exchange)
        return for_client(result, client.modern)

    async def _initialize(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        found = await call_next(ctx)
        assert isinstance(found, dict)
        exchange, connection = exchange_of(ctx), connection_of(ctx)
        session = SessionState(exchange.caller, exchange.view, connection.outbound.notify)
        connection.state["sekisho"] = session
        connection.exit_stack.push_async_callback(self._hub.sessions.add(session))
        await self._lists.learn(Client(ctx, exchange.caller, exchange.view))
        return {**found, **self._lists.about(exchange.caller, exchange.view, modern=False)}


async def _set_level(client: Client, params: Params) -> Result:
    level = params.get("level")
    if client.session is not None and level in LOG_LEVELS:
        client.session.log_level = level
    return {}


def _check(ctx: ServerRequestContext[Any, Any]) -> None:
    """Raise `MCPError` or `ValidationError` where the client's revision does not allow a request."""
    try:
        methods.validate_client_request(ctx.method, ctx.protocol_version, ctx.params)
    except KeyError:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", data=ctx.method) from None
    if not connection_of(ctx).initialize_accepted:
        raise MCPError(INVALID_PARAMS, "The session is not initialized.", data="")
