"""What the hub does when servers, or the hubs of other machines, tell it something unasked."""

import asyncio
from typing import TYPE_CHECKING

from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from gateway.mcp.events import KINDS, kind_of
from gateway.mcp.machines.messages import Accepted, Changed, Updated
from gateway.mcp.protocol import Params, Result

if TYPE_CHECKING:
    from gateway.mcp.hub import Hub


class Listener:
    """Takes what a server says outside of any request."""

    def __init__(self, hub: "Hub", server: str, principal: str) -> None:
        self._hub = hub
        self._server = server
        self._principal = principal

    async def notified(self, method: str, params: Params) -> None:
        kind = kind_of(method)
        if kind is not None:
            await self._hub.catalog.changed(self._server)
            self._hub.events.changed(self._server, (kind,))
            self._hub.tell(Changed(self._server, (kind,)))
        elif method == "notifications/resources/updated" and isinstance(uri := params.get("uri"), str):
            self._hub.following.updated(self._server, self._principal, uri)
            self._hub.tell(Updated(self._server, self._principal, uri))

    async def asked(self, method: str, params: Params) -> Result:
        """Refuse: a question outside of a call has nobody whom it could be put to."""
        if method == "roots/list":
            return {"roots": []}
        raise MCPError(METHOD_NOT_FOUND, "No client can be asked now.", data=method)


class Heard:
    """Takes what the hubs of other machines tell."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    async def changed(self, news: Changed) -> None:
        kinds = tuple(kind for kind in KINDS if kind in news.kinds)
        await self._hub.catalog.changed(news.server)
        self._hub.events.changed(news.server, kinds)

    async def updated(self, news: Updated) -> None:
        self._hub.following.updated(news.server, news.principal, news.uri)

    async def accepted(self, news: Accepted) -> None:
        await asyncio.to_thread(self._hub.pins.accept_known, news.server, news.hashes)
