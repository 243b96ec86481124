"""Clients that want to be told of changes: subscriptions of older ones, streams of newer ones."""

from collections.abc import Callable
from functools import partial

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from gateway.mcp.errors import UpstreamDown
from gateway.mcp.events import Changed, Event, Stream, Updated, honored
from gateway.mcp.following import Tell
from gateway.mcp.front.client import Client
from gateway.mcp.front.sessions import MOST_SUBSCRIPTIONS
from gateway.mcp.hub import Hub
from gateway.mcp.protocol import META, RESOURCE_NOT_FOUND, Params, Result
from gateway.mcp.views import allowed_servers

_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
_MOST_STREAMS = 4096


class Listening:
    """Subscribes at the servers in the name of clients."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def subscribe(self, client: Client, params: Params) -> Result:
        session, uri = client.session, params["uri"]
        if session is None or len(session.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise MCPError(INTERNAL_ERROR, f"A session follows at most {MOST_SUBSCRIPTIONS} resources.")
        place = await self._place(client, uri)
        notify = session.notify

        def tell() -> None:
            self._hub.events.send(notify, "notifications/resources/updated", {"uri": uri})

        if place not in session.subscriptions:
            session.subscriptions[place] = await self._follow(client, place, tell)
        return {}

    async def unsubscribe(self, client: Client, params: Params) -> Result:
        place = await self._place(client, params["uri"])
        end = client.session.subscriptions.pop(place, None) if client.session else None
        if end:
            end()
        return {}

    async def listen(self, client: Client, params: Params) -> Result:
        """Serve a stream until its client closes it. The acknowledgement names what is followed."""
        if len(self._hub.events) >= _MOST_STREAMS:
            raise MCPError(INTERNAL_ERROR, "Too many clients listen. Try again later.")
        wanted = params.get("notifications") or {}
        kinds = tuple(honored(wanted))
        servers = frozenset(allowed_servers(client.view, self._hub.mcp, client.caller.policy))
        stream = Stream(servers, frozenset(kinds))
        meta = {META: {_SUBSCRIPTION: client.ctx.request_id}}
        close = self._hub.events.open(stream)
        ends = []
        try:
            followed = []
            for uri in (wanted.get("resourceSubscriptions") or ())[:MOST_SUBSCRIPTIONS]:
                try:
                    place = await self._place(client, uri)
                    ends.append(await self._follow(client, place, partial(stream.put, Updated(uri))))
                    followed.append(uri)
                except (MCPError, UpstreamDown):
                    continue  # what cannot be followed is not acknowledged
            acknowledged: Params = {f"{kind}ListChanged": True for kind in kinds}
            if followed:
                acknowledged["resourceSubscriptions"] = followed
            await client.notify("notifications/subscriptions/acknowledged", {"notifications": acknowledged, **meta})
            while (event := await stream.queue.get()) is not None:
                await client.notify(*_told(event, meta))
        finally:
            close()
            for end in ends:
                end()
        return meta

    async def _place(self, client: Client, uri: str) -> tuple[str, str]:
        """Return server and own address of a resource that this client may read. Raises `MCPError`."""
        merged = await self._hub.merged(client.view, client.caller, client.capabilities)
        place = merged.resource(uri)
        if place is None:
            code = INVALID_PARAMS if client.modern else RESOURCE_NOT_FOUND
            raise MCPError(code, "Resource not found", data={"uri": uri})
        return place

    async def _follow(self, client: Client, place: tuple[str, str], tell: Tell) -> Callable[[], None]:
        server, own = place
        try:
            group = await self._hub.usable(server, client.caller)
            return await self._hub.following.follow(group, own, client.capabilities, tell)
        except UpstreamDown as error:
            raise MCPError(INTERNAL_ERROR, f"The tool server '{server}' does not answer: {error.reason}.") from error


def _told(event: Event, meta: Params) -> tuple[str, Params]:
    if isinstance(event, Changed):
        return f"notifications/{event.kind}/list_changed", dict(meta)
    return "notifications/resources/updated", {"uri": event.uri, **meta}
