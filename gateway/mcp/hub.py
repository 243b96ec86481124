"""The hub: the servers of the configuration, what they offer, and requests on their way to them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cachetools import LRUCache

from gateway.config.mcp import Mcp, McpServer
from gateway.config.schema import Config
from gateway.db.expiring import ExpiringStore
from gateway.files import private_folder
from gateway.identity.caller import Caller
from gateway.mcp.accepted import AcceptedWatch
from gateway.mcp.capabilities import Capabilities
from gateway.mcp.catalog.catalog import Catalog
from gateway.mcp.catalog.listing import Listing
from gateway.mcp.catalog.merged import Merged, merge
from gateway.mcp.catalog.pins import Pins
from gateway.mcp.credentials import Credentials
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.events import KINDS, Events
from gateway.mcp.following import Following
from gateway.mcp.front.client import Client
from gateway.mcp.front.sessions import Sessions
from gateway.mcp.hearing import Listener
from gateway.mcp.machines.messages import Accepted, Changed, Message
from gateway.mcp.oauth.choose import credentials_of
from gateway.mcp.oauth.people import person_name
from gateway.mcp.oauth.service import OAuth
from gateway.mcp.oauth.signing_in import belongs
from gateway.mcp.principal import SHARED, is_known, principal_of
from gateway.mcp.relay.forward import Forwarder
from gateway.mcp.relay.parked import Parked
from gateway.mcp.signed_in import Arrivals
from gateway.mcp.upstream.opening import Way
from gateway.mcp.upstream.pool import Group, Pool
from gateway.mcp.views import View, allowed_servers
from gateway.upstream.client import UpstreamClient

log = logging.getLogger("sekisho.mcp")

_MERGED_KEPT = 512


class Hub:
    """Everything that outlives a request. `configure` takes a changed configuration."""

    def __init__(
        self, config: Config, client: UpstreamClient, folder: Path, expiring: ExpiringStore, machine: str = ""
    ) -> None:
        """Take `machine`, the name of this hub among those of other machines; empty where there is only one."""
        assert config.mcp
        self.machine = machine
        self.tell: Callable[[Message], None] = lambda news: None
        """Tells the hubs of other machines."""
        self.config = config
        self.mcp: Mcp = config.mcp
        self._client = client
        self._folder = folder
        self.pool = Pool()
        self.sessions = Sessions()
        self.events = Events(self.sessions)
        self.pins = Pins(folder / "pins.json")
        self.catalog = Catalog(folder / "catalog", self.pool, self.pins, self._differs)
        self._accepted = AcceptedWatch(self.pins, self._were_accepted)
        self.following = Following(self.pool)
        self.parked = Parked(self.mcp.max_parked, machine)
        self.forwarder = Forwarder(self.pool, self.parked)
        self.oauth = OAuth(lambda: self.config, expiring)
        self.arrivals = Arrivals()
        self._credentials: dict[str, Credentials] = {}
        self._merged: LRUCache[tuple[object, ...], Merged] = LRUCache(_MERGED_KEPT)

    async def start(self) -> None:
        with suppress(OSError):  # what cannot be kept on disk lives in memory
            await asyncio.to_thread(private_folder, self._folder)
        await self.catalog.start()
        self.pool.start()
        self._accepted.start()

    async def stop(self) -> None:
        self._accepted.stop()
        self.events.close()
        await self.parked.stop()
        await self.following.stop()
        await self.catalog.stop()
        await self.pool.stop()

    async def configure(self, config: Config) -> None:
        """Take a changed configuration: connections to servers that changed are closed, clients are told."""
        assert config.mcp
        before, self.config, self.mcp = self.mcp, config, config.mcp
        self.parked.most = self.mcp.max_parked
        self._credentials.clear()
        self._merged.clear()
        changed = {name for name in {*before.servers, *self.mcp.servers} if _differs(before, self.mcp, name)}
        for name in changed:
            await self.pool.drop(name)
            self.events.changed(name)

    def _differs(self, server: str) -> None:
        """Tell everybody that a server offers something else than before."""
        self.events.changed(server)
        self.tell(Changed(server, KINDS))

    def _were_accepted(self, server: str, hashes: dict[str, str]) -> None:
        self.events.changed(server, ("tools",))
        self.tell(Accepted(server, hashes))

    def server(self, name: str) -> McpServer:
        return self.mcp.servers[name]

    def group(self, name: str, caller: Caller) -> Group:
        """Return the connections to a server in a caller's name. Raises `SignInNeeded`."""
        server = self.mcp.servers[name]
        principal = SHARED if server.is_shared else principal_of(caller)
        credentials, folder = self._credentials_of(name), self._folder / "servers"
        fingerprint = credentials.fingerprint(caller)
        way = Way(name, server, credentials, self._client, folder, caller, principal, fingerprint)
        return self.pool.group(way, Listener(self, name, principal), self.catalog.era(way))

    async def usable(self, name: str, caller: Caller) -> Group:
        """Return the connections to a server that the caller may use now. Raises `SignInNeeded`, `UpstreamDown`."""
        await self._credentials_of(name).ready(caller)
        return self.group(name, caller)

    def signs_in(self, name: str, caller: Caller) -> bool:
        """Return whether signing in with a browser gives a caller the right to use a server."""
        server = self.mcp.servers.get(name)
        return server is not None and server.signs_in and is_known(caller) and bool(person_name(caller.person))

    async def is_signed_in(self, name: str, person: str) -> bool:
        self.oauth.tokens.forget((name, person))
        grant = await self.oauth.store.find(name, person)
        return grant is not None and belongs(grant, self.mcp.servers[name])

    async def signed(self, name: str, person: str) -> None:
        """Take note that a person has signed in at a server, or out."""
        self.oauth.tokens.forget((name, person))
        await self.pool.drop(name, lambda way: person_name(way.caller.person) == person)
        self.arrivals.arrived((name, person))
        self.events.changed(name)
        self.tell(Changed(name, KINDS))

    def _credentials_of(self, name: str) -> Credentials:
        found = self._credentials.get(name)
        if found is None:
            made = credentials_of(name, self.mcp.servers[name], self.config, self.oauth)
            found = self._credentials[name] = made
        return found

    async def merged(self, view: View, caller: Caller, capabilities: Capabilities) -> Merged:
        """Return what a caller sees in a view; servers that cannot be asked are missing from it."""
        names = allowed_servers(view, self.mcp, caller.policy)
        listings, missing = await self._listings(names, caller, capabilities)
        # A key that changed is another object, as is a listing that was read anew.
        known = (
            view,
            caller.key,
            self.pins.revision,
            *(id(each) for each in listings.values()),
            *((name, error.told) for name, error in missing.items()),
        )
        found = self._merged.get(known)
        if found is None:
            found = merge(view, self.mcp, caller.policy, listings, missing, self.pins)
            found.keep = list(listings.values())
            self._merged[known] = found
        return found

    async def _listings(
        self, names: list[str], caller: Caller, capabilities: Capabilities
    ) -> tuple[dict[str, Listing], dict[str, UpstreamDown]]:
        found: dict[str, Listing] = {}
        unknown = []
        missing: dict[str, UpstreamDown] = {}
        for name in names:
            try:
                group = await self.usable(name, caller)
            except UpstreamDown as error:
                if kept := self._kept(name, caller, capabilities):
                    found[name] = kept
                else:
                    missing[name] = error
                continue
            listing = self.catalog.at_hand(group, capabilities)
            if listing is None:
                unknown.append((name, group))
            else:
                found[name] = listing
        asked = await asyncio.gather(
            *(self.catalog.listing(group, capabilities) for _, group in unknown), return_exceptions=True
        )
        for (name, _), result in zip(unknown, asked, strict=True):
            if isinstance(result, Listing):
                found[name] = result
            elif isinstance(result, UpstreamDown):
                missing[name] = result
            else:
                raise result
        return {name: found[name] for name in names if name in found}, missing

    def _kept(self, name: str, caller: Caller, capabilities: Capabilities) -> Listing | None:
        """Return what a server listed for a person who has to sign in again: its tools stay, and calls say why."""
        if not self.signs_in(name, caller):
            return None
        group = self.group(name, caller)
        return self.catalog.known(group.way, group.declared(capabilities))

    async def roots_changed(self, client: Client) -> None:
        """Tell older servers that were told of this client's folders; newer ones ask anew with each call."""
        for group in self.pool.groups():
            if group.way.principal == client.principal and group.way.name in client.view.servers:
                for connection in group.living():
                    if connection.session.peer.era == "legacy" and "roots" in connection.declared:
                        await connection.session.channel.notify("notifications/roots/list_changed")

    def refresh(self, group: Group, client: Client) -> None:
        """Read a server's lists again where they are old, as a connection to it is open now."""
        self.catalog.refresh(group, client.capabilities)


def _differs(before: Mcp, after: Mcp, name: str) -> bool:
    return before.servers.get(name) != after.servers.get(name)
