"""What one server offers, read from it in pages."""

import time
from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from gateway.config.mcp import McpServer
from gateway.mcp.capabilities import EVERYTHING_BUT_ROOTS
from gateway.mcp.catalog.clean import clean_named, clean_tools
from gateway.mcp.upstream.session import Peer, UpstreamSession

_EVERYTHING = {**EVERYTHING_BUT_ROOTS, "roots": {}}
_MOST_PAGES = 1000


class Listing(msgspec.Struct):
    """A server's tools, resources, templates and prompts, as it sent them, without what no client could read."""

    peer: Peer
    fingerprint: str
    """Of the server's configuration: another one makes the listing worthless."""
    fetched_at: float
    """Unix seconds; 0 = to be read again."""
    tools: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    templates: list[dict[str, Any]] = []
    prompts: list[dict[str, Any]] = []
    left_out: list[str] = []
    """Why something is missing: one sentence each."""

    def is_fresh(self, seconds: float) -> bool:
        return time.time() - self.fetched_at < seconds

    def tool(self, name: str) -> dict[str, Any] | None:
        return next((each for each in self.tools if each["name"] == name), None)


async def read_listing(session: UpstreamSession, server: McpServer, fingerprint: str) -> Listing:
    """Read everything that a server lists. Raises `MCPError`, `UpstreamDown`."""
    most = server.bounds.tools
    left_out: list[str] = []
    tools = await _pages(session, "tools", "tools/list", "tools", most)
    resources = await _pages(session, "resources", "resources/list", "resources", most)
    templates = await _pages(session, "resources", "resources/templates/list", "resourceTemplates", most)
    prompts = await _pages(session, "prompts", "prompts/list", "prompts", most)
    return Listing(
        peer=session.peer,
        fingerprint=fingerprint,
        fetched_at=time.time(),
        tools=clean_tools(tools, server, left_out),
        resources=clean_named(resources, "uri", server.bounds, left_out),
        templates=clean_named(templates, "uriTemplate", server.bounds, left_out),
        prompts=clean_named(prompts, "name", server.bounds, left_out),
        left_out=left_out,
    )


async def _pages(session: UpstreamSession, capability: str, method: str, member: str, most: int) -> list[Any]:
    """Return the entries of all pages of a list, at most `most` of them."""
    if not session.offers(capability):
        return []
    entries: list[Any] = []
    cursor: Any = None
    seen = set()
    for _ in range(_MOST_PAGES):
        params = {} if cursor is None else {"cursor": cursor}
        try:
            found = await session.request(method, params, capabilities=_EVERYTHING)
        except MCPError as error:
            if error.code == METHOD_NOT_FOUND:
                break
            raise
        page, cursor = found.get(member), found.get("nextCursor")
        entries += page if isinstance(page, list) else []
        if not isinstance(cursor, str) or not cursor or cursor in seen or len(entries) >= most:
            break
        seen.add(cursor)
    return entries[:most]
