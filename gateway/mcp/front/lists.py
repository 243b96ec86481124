"""Lists of what a client may use, and what the hub says of itself."""

import asyncio
import contextlib
from typing import Any

from gateway.config.mcp import Mcp
from gateway.identity.caller import Caller
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.catalog.listing import Listing
from gateway.mcp.catalog.merged import Merged, listed
from gateway.mcp.catalog.search import CALL, SEARCH
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.front.client import Client
from gateway.mcp.hub import Hub
from gateway.mcp.protocol import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION, META, Params, Result
from gateway.mcp.relay.results import cacheable
from gateway.mcp.views import View, allowed_servers

_MISSING = "sekisho/unavailable"
_SIGN_IN = "sekisho/sign_in"
"""Those of the missing that want the person to sign in."""
_LONGEST_INSTRUCTIONS = 8192
_PATIENCE_SECONDS = 4.0
"""For a server of which nothing is known: clients wait ten for this answer and the first list together."""
_ALL: dict[str, Any] = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "completions": {},
    "logging": {},
}
"""What the hub can relay."""


class Lists:
    """Answers from the catalogue, whatever the servers do meanwhile."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def discover(self, client: Client, _: Params) -> Result:
        await self.learn(client)
        versions = [LATEST_MODERN_VERSION, *reversed(HANDSHAKE_PROTOCOL_VERSIONS)]
        return cacheable({"supportedVersions": versions, **self.about(client.caller, client.view, modern=True)}, True)

    async def tools(self, client: Client, _: Params) -> Result:
        merged = await self._merged(client)
        tools = listed(merged.tools) if merged.index is None else [SEARCH, CALL]
        return _list("tools", tools if client.modern else [_for_older(tool) for tool in tools], merged, client)

    async def resources(self, client: Client, _: Params) -> Result:
        merged = await self._merged(client)
        return _list("resources", listed(merged.resources), merged, client)

    async def templates(self, client: Client, _: Params) -> Result:
        merged = await self._merged(client)
        return _list("resourceTemplates", listed(merged.templates), merged, client)

    async def prompts(self, client: Client, _: Params) -> Result:
        merged = await self._merged(client)
        return _list("prompts", listed(merged.prompts), merged, client)

    async def learn(self, client: Client) -> None:
        """Ask a server that stands alone in a view what it is, where nothing is known of it yet; it may be slow."""
        if client.view.bare and self._known(client.caller, client.view) is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._hub.merged(client.view, client.caller, client.capabilities)

    def about(self, caller: Caller, view: View, modern: bool) -> Result:
        """Return capabilities and instructions, of what is known."""
        known = self._known(caller, view)
        capabilities = _ALL if known is None else {name: _ALL[name] for name in _ALL if _is_offered(name, known)}
        instructions = _instructions(view, self._hub.mcp, known)
        return {"capabilities": capabilities, **({"instructions": instructions} if instructions else {})}

    def _known(self, caller: Caller, view: View) -> list[Listing] | None:
        """Return the listings of a view's servers; None where one of them is not known yet."""
        found = []
        for name in allowed_servers(view, self._hub.mcp, caller.policy):
            try:
                listing = self._hub.catalog.any_of(self._hub.group(name, caller))
            except UpstreamDown:
                continue
            if listing is None:
                return None
            found.append(listing)
        return found

    async def _merged(self, client: Client) -> Merged:
        await asyncio.to_thread(self._hub.pins.load)  # a command may have accepted a definition
        return await self._hub.merged(client.view, client.caller, client.capabilities)


def _list(member: str, entries: list[Entry], merged: Merged, client: Client) -> Result:
    told: dict[str, Any] = {}
    if merged.missing:
        told[_MISSING] = {name: error.told for name, error in merged.missing.items()}
        told[_SIGN_IN] = [name for name, error in merged.missing.items() if isinstance(error, SignInNeeded)]
    return cacheable({member: entries, **({META: told} if told else {})}, client.modern)


def _for_older(tool: Entry) -> Entry:
    """Return a tool as older clients know it: an output schema is one of an object there."""
    schema = tool.get("outputSchema")
    if schema is None or (isinstance(schema, dict) and schema.get("type") == "object"):
        return tool
    return {name: value for name, value in tool.items() if name != "outputSchema"}


def _is_offered(name: str, listings: list[Listing]) -> bool:
    return name == "tools" or any(name in each.peer.capabilities for each in listings)


def _instructions(view: View, config: Mcp, known: list[Listing] | None) -> str:
    if view.bare and known and known[0].peer.instructions:
        return known[0].peer.instructions[:_LONGEST_INSTRUCTIONS]
    return view.description
