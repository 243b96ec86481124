"""Connections to the servers: who may share one, how many there are, and when one is given up."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from mcp.shared.exceptions import MCPError

from gateway.mcp.capabilities import EVERYTHING_BUT_ROOTS, Capabilities
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.upstream.channel import Listener
from gateway.mcp.upstream.connection import Connection
from gateway.mcp.upstream.opening import Way
from gateway.mcp.upstream.session import Era

log = logging.getLogger("sekisho.mcp")

_PROCESSES = 8
_SESSIONS = 1000
_SWEEP_SECONDS = 5.0
_FAILURES_BEFORE_PAUSE = 3
_LONGEST_PAUSE = 60.0


class Group:
    """The connections to one server in one principal's name, with the same credentials."""

    def __init__(self, way: Way, listener: Listener, era: Era | None) -> None:
        self.way = way
        self.listener = listener
        self.era = era
        self.connections: list[Connection] = []
        self.opening: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        self.failures = 0
        self.retry_at = 0.0
        self.last_error: UpstreamDown | None = None

    @property
    def most(self) -> int:
        return self.way.server.max_connections or (_PROCESSES if self.way.server.command else _SESSIONS)

    def declared(self, capabilities: Capabilities) -> Capabilities:
        """Return what an older server is told that this client can do."""
        server = self.way.server
        if server.is_shared:
            return {**EVERYTHING_BUT_ROOTS, **({"roots": {}} if server.roots else {})}
        if server.sampling is not None:
            capabilities = {"sampling": {}, **capabilities}
        return {name: value for name, value in capabilities.items() if name != "roots" or server.roots is not False}

    def wake(self) -> None:
        """Let everybody look again who waits for a connection."""
        waited, self.changed = self.changed, asyncio.Event()
        waited.set()

    def living(self) -> list[Connection]:
        self.connections = [each for each in self.connections if not each.closed]
        return self.connections

    def find(self, capabilities: Capabilities, declared: Capabilities) -> Connection | None:
        """Return a connection that a call of this client may use now."""
        now = asyncio.get_running_loop().time()
        for connection in self.living():
            connection.retired = connection.retired or connection.is_old(now)
            if connection.retired:
                continue
            if connection.session.peer.era == "modern":
                return connection
            if connection.declared != declared or connection.exclusive:
                continue
            if not (self.must_be_alone(connection, capabilities) and connection.in_use):
                return connection
        return None

    def must_be_alone(self, connection: Connection, capabilities: Capabilities) -> bool:
        """Return whether a call must have a connection to itself, as the server's questions name no call."""
        channel = connection.session.channel
        return bool(capabilities) and connection.session.peer.era == "legacy" and not channel.tells_calls_apart


class Pool:
    """All connections of this gateway process."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str], Group] = {}
        self._left: set[Connection] = set()
        """Connections of which anything is left: those that open and close too."""
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep(), name="tool servers")

    async def stop(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
        await self._close(list(self._left))
        self._groups.clear()

    async def drop(self, server: str, chosen: Callable[[Way], bool] = lambda way: True) -> None:
        """Close every connection to a server whose configuration, or the chosen ones whose credentials changed."""
        gone = [key for key, group in self._groups.items() if key[0] == server and chosen(group.way)]
        await self._close([each for key in gone for each in self._groups.pop(key).living()])

    def group(self, way: Way, listener: Listener, era: Era | None) -> Group:
        """Return the connections of a server in a principal's name."""
        key = way.name, way.principal, way.fingerprint
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = Group(way, listener, era)
        return found

    def groups(self) -> Iterator[Group]:
        yield from self._groups.values()

    @asynccontextmanager
    async def use(
        self, group: Group, capabilities: Capabilities, declared: Capabilities | None = None
    ) -> AsyncIterator[Connection]:
        """Give a connection for one call of a client that can be asked what `capabilities` say.

        `declared`: what an older server is told instead. Raises `UpstreamDown`, `MCPError`.
        """
        told = group.declared(capabilities if declared is None else declared)
        connection = await self._take(group, capabilities, told)
        alone = group.must_be_alone(connection, capabilities)
        connection.in_use += 1
        connection.exclusive = connection.exclusive or alone
        try:
            yield connection
        finally:
            connection.in_use -= 1
            if alone:
                connection.exclusive = False
            connection.last_used = asyncio.get_running_loop().time()
            group.wake()

    async def _take(self, group: Group, capabilities: Capabilities, declared: Capabilities) -> Connection:
        deadline = asyncio.get_running_loop().time() + group.way.server.timeouts.call
        while True:
            if found := group.find(capabilities, declared):
                return found
            if len(group.living()) < group.most or await self._evict(group):
                await self._open(group, declared)
                continue
            if asyncio.get_running_loop().time() >= deadline:
                raise UpstreamDown(group.way.name, f"all of its {group.most} connections are busy")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await group.changed.wait()

    async def _open(self, group: Group, declared: Capabilities) -> None:
        """Open one more connection; who wants one meanwhile waits for the same."""
        now = asyncio.get_running_loop().time()
        if group.last_error and now < group.retry_at:
            again = max(1, round(group.retry_at - now))
            error = group.last_error
            raise UpstreamDown(error.server, f"{error.reason}; it is tried again in {again} s", error.last_words)
        if group.opening is None:
            group.opening = asyncio.create_task(self._opened(group, declared), name=f"opening {group.way.name}")
            group.opening.add_done_callback(lambda task: _ended(group, task))
        await asyncio.shield(group.opening)

    async def _opened(self, group: Group, declared: Capabilities) -> None:
        connection = Connection(group.way, declared, group.era, group.listener)
        self._left.add(connection)
        connection.when_closed(self._left.discard)
        try:
            await connection.ready()
        except SignInNeeded:
            raise
        except (UpstreamDown, MCPError) as error:
            await connection.close()
            group.failures += 1
            group.last_error = _as_down(error, group.way.name)
            if group.failures >= _FAILURES_BEFORE_PAUSE:
                pause = min(2.0 ** (group.failures - _FAILURES_BEFORE_PAUSE), _LONGEST_PAUSE)
                group.retry_at = asyncio.get_running_loop().time() + pause * random.uniform(0.8, 1.2)
            raise group.last_error from error
        except BaseException:
            await asyncio.shield(connection.close())
            raise
        group.failures, group.last_error = 0, None
        group.era = connection.session.peer.era
        group.connections.append(connection)

    async def _evict(self, group: Group) -> bool:
        """Close the connection of a group that was unused for longest; return whether there was one."""
        idle = [each for each in group.living() if each.is_idle]
        if not idle:
            return False
        await self._close([min(idle, key=lambda each: each.last_used)])
        return True

    async def _close(self, connections: list[Connection]) -> None:
        if connections:
            await asyncio.gather(*(each.close() for each in connections), return_exceptions=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = asyncio.get_running_loop().time()
            await self._close([each for each in self._all() if each.is_unused(now)])
            # Subscriptions move to another one, as new calls do.
            await self._close([each for each in self._all() if each.is_old(now) and not each.in_use])
            for key, group in list(self._groups.items()):
                if not group.living() and group.opening is None and now > group.retry_at:
                    del self._groups[key]

    def _all(self) -> list[Connection]:
        return [each for group in self._groups.values() for each in group.living()]


def _ended(group: Group, task: asyncio.Task[None]) -> None:
    group.opening = None
    if not task.cancelled():
        task.exception()  # who waited has it


def _as_down(error: UpstreamDown | MCPError, server: str) -> UpstreamDown:
    if isinstance(error, UpstreamDown):
        return error
    return UpstreamDown(server, f"it refuses the connection: {error.message[:200]}")
