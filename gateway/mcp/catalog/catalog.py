"""The servers' listings: from memory or disk at once, read anew in the background."""

import asyncio
import logging
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
from cachetools import LRUCache
from mcp.shared.exceptions import MCPError

from gateway.mcp.capabilities import EVERYTHING_BUT_ROOTS, Capabilities
from gateway.mcp.catalog.listing import Listing, read_listing
from gateway.mcp.catalog.pins import Pins
from gateway.mcp.catalog.store import ListingStore, Place, fingerprint_of
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.principal import SHARED, folder_name
from gateway.mcp.upstream.opening import Way
from gateway.mcp.upstream.pool import Group, Pool
from gateway.mcp.upstream.session import Era

log = logging.getLogger("sekisho.mcp")

_MOST_KEPT = 4096
_ALL = "all"


class Catalog:
    """Listings by server, by whose credentials they were read with, and by what the client can do."""

    def __init__(self, folder: Path, pool: Pool, pins: Pins, tell: Callable[[str], None]) -> None:
        """Call `tell` with a server's name when what it offers changed."""
        self._store = ListingStore(folder)
        self._pool = pool
        self._pins = pins
        self._tell = tell
        self._listings: LRUCache[Place, Listing] = LRUCache(_MOST_KEPT)
        self._eras: dict[str, Era] = {}
        self._reading: dict[Place, asyncio.Task[Listing]] = {}
        self.failures: dict[str, str] = {}
        """Why a server's list could not be read, by its name."""

    async def start(self) -> None:
        """Read the listings that are kept on disk."""
        await asyncio.to_thread(self._pins.load)
        for place, listing in (await asyncio.to_thread(self._store.load_all, _MOST_KEPT)).items():
            self._listings[place] = listing

    def era(self, way: Way) -> Era | None:
        """Return what is known of the revision that a server speaks."""
        if way.server.protocol != "auto":
            return way.server.protocol
        if way.name not in self._eras:
            self.known(way, {})
        return self._eras.get(way.name)

    def known(self, way: Way, declared: Capabilities) -> Listing | None:
        """Return a listing of the same configuration."""
        for place in (_place(way, None), _place(way, declared)):
            found = self._listings.get(place)
            if found is not None and found.fingerprint == fingerprint_of(way.server):
                self._eras[way.name] = found.peer.era
                return found
        return None

    def at_hand(self, group: Group, capabilities: Capabilities) -> Listing | None:
        """Return what is known of what a server offers, and read it again in the background where it is old."""
        found = self.known(group.way, group.declared(capabilities))
        if found is None or (found.fetched_at == 0 and self._may_refresh(group)):
            return None
        if not found.is_fresh(group.way.server.ttl_seconds) and self._may_refresh(group):
            self._begin(group, capabilities)
        return found

    def any_of(self, group: Group) -> Listing | None:
        """Return what is known of a server, whichever client it was read for."""
        if found := self.known(group.way, EVERYTHING_BUT_ROOTS):
            return found
        places = (place for place in self._listings if place[:2] == _place(group.way, None)[:2])
        return next((self._listings[place] for place in places), None)

    async def listing(self, group: Group, capabilities: Capabilities) -> Listing:
        """Read what a server offers, or fall back on what is known. Raises `UpstreamDown` where nothing is."""
        task = self._begin(group, capabilities)
        seconds = group.way.server.timeouts.list
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(task)
        except (TimeoutError, UpstreamDown) as error:
            if found := self.known(group.way, group.declared(capabilities)):
                return found
            if isinstance(error, UpstreamDown):
                raise
            raise UpstreamDown(group.way.name, "it is still starting; its tools appear when it has started") from None

    async def changed(self, server: str) -> None:
        """Note that a server's lists changed: they are read again before they are given out."""
        for place, listing in list(self._listings.items()):
            if place[0] == server:
                listing.fetched_at = 0

    def refresh(self, group: Group, capabilities: Capabilities) -> None:
        """Read a listing again in the background where it is no longer fresh."""
        found = self.known(group.way, group.declared(capabilities))
        if found is None or not found.is_fresh(group.way.server.ttl_seconds):
            self._begin(group, capabilities)

    async def stop(self) -> None:
        for task in list(self._reading.values()):
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def _may_refresh(self, group: Group) -> bool:
        """Return whether a stale list is worth a question: a process is not started for it."""
        return group.way.server.command is None or bool(group.living())

    def _begin(self, group: Group, capabilities: Capabilities) -> asyncio.Task[Listing]:
        place = _place(group.way, group.declared(capabilities))
        task = self._reading.get(place)
        if task is None:
            task = asyncio.create_task(self.read(group, capabilities), name=f"reading {group.way.name}")
            self._reading[place] = task
            task.add_done_callback(lambda done: self._end(place, done))
        return task

    def _end(self, place: Place, task: asyncio.Task[Listing]) -> None:
        self._reading.pop(place, None)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, SignInNeeded):
            log.warning("the list of tool server %s cannot be read: %s", place[0], error)

    async def read(self, group: Group, capabilities: Capabilities) -> Listing:
        """Read what a server offers now, and keep it. Raises `UpstreamDown`."""
        way = group.way
        seconds = way.server.timeouts.open + way.server.timeouts.list
        try:
            async with asyncio.timeout(seconds), self._pool.use(group, {}, declared=capabilities) as connection:
                listing = await read_listing(connection.session, way.server, fingerprint_of(way.server))
        except (MCPError, UpstreamDown, TimeoutError) as error:
            down = _as_down(way, error)
            self.failures[way.name] = down.reason
            raise down from error
        self.failures.pop(way.name, None)
        others = [tool["name"] for place, each in self._listings.items() if place[0] != way.name for tool in each.tools]
        await asyncio.to_thread(self._pins.note, way.name, listing.tools, way.server.definitions, others)
        place = self._keep(way, group.declared(capabilities), listing)
        await asyncio.to_thread(self._store.save, place, listing)
        return listing

    def _keep(self, way: Way, declared: Capabilities, listing: Listing) -> Place:
        self._eras[way.name] = listing.peer.era
        place = _place(way, None if listing.peer.era == "modern" else declared)
        before = self._listings.get(place)
        self._listings[place] = listing
        if before is not None and _differs(before, listing):
            self._tell(way.name)
        for sentence in listing.left_out if before is None or before.left_out != listing.left_out else ():
            log.warning("tool server %s: %s", way.name, sentence)
        return place


def _place(way: Way, declared: Capabilities | None) -> Place:
    """Return where a listing is kept. `declared`: None for newer servers, whose lists depend on the right alone."""
    own = way.principal != SHARED and way.server.auth.is_personal
    variant = _ALL if declared is None else sha256(msgspec.json.encode(declared, order="sorted")).hexdigest()[:8]
    return way.name, folder_name(way.principal) if own else _ALL, variant


def _differs(one: Listing, other: Listing) -> bool:
    members = ("tools", "resources", "templates", "prompts")
    return any(getattr(one, member) != getattr(other, member) for member in members)


def _as_down(way: Way, error: Exception) -> UpstreamDown:
    if isinstance(error, UpstreamDown):
        return error
    if isinstance(error, TimeoutError):
        return UpstreamDown(way.name, "it does not answer in time")
    return UpstreamDown(way.name, f"it refuses to list what it offers: {str(error)[:200]}")
