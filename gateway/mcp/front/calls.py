"""Calls of tools, reads of resources, prompts: found in the catalogue, sent to their server, and what comes back."""

from collections.abc import Callable

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from gateway.mcp.catalog.clean import Entry
from gateway.mcp.catalog.merged import Merged
from gateway.mcp.catalog.search import CALL, SEARCH, Index
from gateway.mcp.catalog.stand_in import DONE, SIGN_IN, server_of_stand_in
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.front.client import Client
from gateway.mcp.front.exchange import McpExchange
from gateway.mcp.front.sign_in import CODE, SignIn
from gateway.mcp.hub import Hub
from gateway.mcp.names import prefix_of
from gateway.mcp.protocol import RESOURCE_NOT_FOUND, Params, Result
from gateway.mcp.relay.arguments import wrong_argument
from gateway.mcp.relay.cutting import MODEL_CLIENTS, SCHEME, Rests, cut
from gateway.mcp.relay.headers import check_param_headers
from gateway.mcp.relay.request import Request, owner_of
from gateway.mcp.relay.results import FAILURE, cacheable, failed, prompt_result, text, tool_result
from gateway.mcp.uris import map_contents, map_entries, map_messages
from gateway.mcp.views import allowed_servers

_SHOWN = 120
_FOUND = 5
_PART_BYTES = 256 * 1024
_SHOWN_OF_TOOL = ("name", "title", "description", "inputSchema")


class Calls:
    """Resolves public names, and maps what servers answer back to them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rests = Rests(hub.machine)
        self._sign_in = SignIn(hub)

    async def call_tool(self, client: Client, params: Params, exchange: McpExchange) -> Result:
        try:
            params = await self._sign_in.carried_on(client, params)
        except SignInNeeded as error:
            exchange.asks(error.server, params["name"], self._hub.server(error.server))
            return self._unreached(client, error, exchange)
        merged = await self._merged(client)
        if merged.index is not None and params["name"] == SEARCH["name"]:
            return _found(merged.index, params.get("arguments") or {})
        searched = merged.index is not None and params["name"] == CALL["name"]
        if searched:
            params = _meant(params)
        named = merged.tool(params["name"])
        if (server := self._stands_for(client, merged, params["name"])) is not None:
            return await self._signed_in(client, server, params, exchange)
        if named is None:
            return self._no_tool(client, merged, params["name"], exchange)
        pin = self._hub.pins.of(named.server, named.own)
        exchange.asks(named.server, named.own, self._hub.server(named.server), pin.hash if pin else None)
        arguments = params.get("arguments") or {}
        if not searched:  # the headers are those of the call that was made
            check_param_headers(client, named.entry, arguments)
        if wrong := wrong_argument(named.entry["inputSchema"], arguments):
            exchange.failed("refused", "invalid_arguments")
            return failed(wrong)
        try:
            result = await self._sent(client, named.server, "tools/call", {**params, "name": named.own}, named.entry)
        except UpstreamDown as error:
            return self._unreached(client, error, exchange)
        except TimeoutError:
            exchange.failed("error", "mcp_timeout")
            return failed(self._late(named.server, "call"), "mcp_timeout", named.server)
        except MCPError as error:
            exchange.failed("error", "mcp_error")
            if error.code == MISSING_REQUIRED_CLIENT_CAPABILITY and not client.modern:
                return failed(f"This tool asks something that your program cannot answer: {error.message}")
            raise
        if result.get("resultType") == "input_required":
            return result
        if result.get("isError"):
            exchange.failed("error", "tool_error")
        result = tool_result(result, client.version, client.modern)
        result = {**result, "content": map_contents(result["content"], self._map(merged, named.server))}
        most = self._hub.server(named.server).bounds.result_bytes
        if most is None or exchange.recorder.client not in MODEL_CLIENTS:
            return result
        return cut(result, most, client.version, owner_of(client), self._rests)

    async def read(self, client: Client, params: Params, exchange: McpExchange) -> Result:
        params = await self._carried_on(client, params, exchange)
        merged, uri = await self._merged(client), params["uri"]
        if uri.startswith(SCHEME):
            return cacheable(self._rests.read(owner_of(client), uri, _PART_BYTES), client.modern)
        place = merged.resource(uri)
        if place is None:
            exchange.failed("refused", "unknown_resource")
            raise _no_resource(client, uri)
        server, own = place
        exchange.asks(server, own, self._hub.server(server))
        result = await self._asked(client, server, "resources/read", {**params, "uri": own}, exchange)
        if result.get("resultType") == "input_required":
            return result
        mapped = {**result, "contents": map_entries(result.get("contents") or [], self._map(merged, server))}
        ttl = result.get("ttlMs")
        known = isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0
        return cacheable(mapped, client.modern, ttl if known else 0)  # type: ignore[arg-type]

    async def get_prompt(self, client: Client, params: Params, exchange: McpExchange) -> Result:
        params = await self._carried_on(client, params, exchange)
        merged = await self._merged(client)
        named = merged.prompts.get(params["name"])
        if named is None:
            exchange.failed("refused", "unknown_prompt")
            raise MCPError(INVALID_PARAMS, f"Unknown prompt: {params['name'][:_SHOWN]}")
        exchange.asks(named.server, named.own, self._hub.server(named.server))
        result = await self._asked(client, named.server, "prompts/get", {**params, "name": named.own}, exchange)
        if result.get("resultType") == "input_required":
            return result
        result = prompt_result(result, client.version)
        return {**result, "messages": map_messages(result["messages"], self._map(merged, named.server))}

    async def complete(self, client: Client, params: Params) -> Result:
        merged, ref = await self._merged(client), params["ref"]
        if ref.get("type") == "ref/prompt":
            named = merged.prompts.get(ref["name"])
            place, own = (named.server if named else None), {**ref, "name": named.own if named else ""}
        else:
            template = merged.templates.get(ref["uri"]) or merged.resources.get(ref["uri"])
            place, own = (template.server if template else None), {**ref, "uri": template.own if template else ""}
        if place is None:
            raise MCPError(INVALID_PARAMS, "There is nothing here that could be completed.")
        return await self._asked(client, place, "completion/complete", {**params, "ref": own})

    async def _carried_on(self, client: Client, params: Params, exchange: McpExchange) -> Params:
        """Return a request without our question's answer. Raises `MCPError` where the person has not signed in."""
        try:
            return await self._sign_in.carried_on(client, params)
        except SignInNeeded as error:
            exchange.failed("error", CODE)
            raise self._sign_in.refusal(client, error) from error

    def _stands_for(self, client: Client, merged: Merged, name: str) -> str | None:
        """Return the server at which a tool signs people in, where it is none of the server's own."""
        server = server_of_stand_in(name, client.view)
        own = merged.tool(name)
        allowed = allowed_servers(client.view, self._hub.mcp, client.caller.policy)
        if server not in allowed or not self._hub.signs_in(server, client.caller):
            return None
        return server if own is None or server in merged.missing else None

    async def _signed_in(self, client: Client, server: str, params: Params, exchange: McpExchange) -> Result:
        exchange.asks(server, SIGN_IN, self._hub.server(server))
        try:
            await self._hub.usable(server, client.caller)
        except UpstreamDown as error:
            return self._unreached(client, error, exchange)
        return {"content": [text(DONE.format(server=server))]}

    def _unreached(self, client: Client, error: UpstreamDown, exchange: McpExchange) -> Result:
        """Return the result of a call that a server does not take: a model, or the person, can go on from it."""
        exchange.failed("error", _code(error))
        if not isinstance(error, SignInNeeded):
            return failed(_down(error), _code(error), error.server)
        return self._sign_in.question(client, error) or self._sign_in.failure(client, error)

    def _no_tool(self, client: Client, merged: Merged, name: str, exchange: McpExchange) -> Result:
        """Say that a server does not answer whose tool it may be. Raises `MCPError` where there is none."""
        for server, error in merged.missing.items():
            if merged.bare or name.startswith(f"{prefix_of(server)}__"):
                exchange.asks(server, name, self._hub.server(server))
                return self._unreached(client, error, exchange)
        exchange.failed("refused", "unknown_tool")
        raise MCPError(INVALID_PARAMS, f"Unknown tool: {name[:_SHOWN]}")

    async def _asked(
        self, client: Client, server: str, method: str, params: Params, exchange: McpExchange | None = None
    ) -> Result:
        """Send a request whose failures are errors of the protocol. Raises `MCPError`."""
        code, words = "mcp_error", ""
        try:
            return await self._sent(client, server, method, params)
        except SignInNeeded as error:
            if question := self._sign_in.question(client, error):
                return question
            if exchange:
                exchange.failed("error", CODE)
            raise self._sign_in.refusal(client, error) from error
        except UpstreamDown as error:
            code, words = _code(error), _down(error)
        except TimeoutError:
            code, words = "mcp_timeout", self._late(server, "call")
        except MCPError:
            if exchange:
                exchange.failed("error", code)
            raise
        if exchange:
            exchange.failed("error", code)
        raise MCPError(INTERNAL_ERROR, words, data={FAILURE: {"code": code, "server": server}})

    async def _sent(
        self, client: Client, server: str, method: str, params: Params, tool: Entry | None = None
    ) -> Result:
        group = await self._hub.usable(server, client.caller)
        request = Request(client, group, method, params, self._hub.catalog.era(group.way), tool)
        return await self._hub.forwarder.send(request)

    async def _merged(self, client: Client) -> Merged:
        return await self._hub.merged(client.view, client.caller, client.capabilities)

    def _map(self, merged: Merged, server: str) -> Callable[[str], str]:
        return lambda uri: merged.uri_of(server, uri)

    def _late(self, server: str, which: str) -> str:
        seconds = getattr(self._hub.server(server).timeouts, which)
        return (
            f"The tool server '{server}' did not answer within {seconds:g} s, so the call was given up. "
            f"Ask for less, or an administrator raises 'mcp.servers.{server}.timeouts.{which}'."
        )


def _found(index: Index, arguments: Params) -> Result:
    """Return the tools that fit a model's words."""
    if wrong := wrong_argument(SEARCH["inputSchema"], arguments):
        return failed(wrong)
    tools = index.find(arguments["query"], int(arguments.get("limit", _FOUND)))
    shown = [{name: tool[name] for name in _SHOWN_OF_TOOL if name in tool} for tool in tools]
    return {"content": [text(msgspec.json.encode(shown).decode())], "structuredContent": {"tools": shown}}


def _meant(params: Params) -> Params:
    """Return the call that `call_tool` stands for: it needs the same rights, and is checked in the same way."""
    arguments = params.get("arguments") or {}
    inner = arguments.get("arguments")
    name = arguments.get("name")
    plain = {"name": name if isinstance(name, str) else "", "arguments": inner if isinstance(inner, dict) else {}}
    return {**params, **plain}


def _no_resource(client: Client, uri: str) -> MCPError:
    return MCPError(INVALID_PARAMS if client.modern else RESOURCE_NOT_FOUND, "Resource not found", data={"uri": uri})


def _code(error: UpstreamDown) -> str:
    return CODE if isinstance(error, SignInNeeded) else "mcp_server_down"


def _down(error: UpstreamDown) -> str:
    """Return what a model can go on from."""
    return f"The tool server '{error.server}' does not answer: {error.told}"
