"""One connection to a server, kept by a task of its own: opened, held and closed in the same task."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from gateway.mcp.capabilities import Capabilities
from gateway.mcp.errors import HttpFailure, UpstreamDown
from gateway.mcp.protocol import CONNECTION_CLOSED
from gateway.mcp.transport import Transport
from gateway.mcp.upstream.channel import Channel, Listener
from gateway.mcp.upstream.opening import Way, events, over_http, over_streams, process
from gateway.mcp.upstream.session import Era, UpstreamSession
from gateway.mcp.upstream.standing import follow

log = logging.getLogger("sekisho.mcp")

_OLDER_STATUSES = (400, 404, 405, 406)
"""What servers of 2024-11-05 say to the POST of a newer client."""


class Connection:
    """A session and its task. `declared`: the capabilities that an older server was told."""

    def __init__(self, way: Way, declared: Capabilities, known: Era | None, listener: Listener) -> None:
        self.way = way
        self.declared = declared
        self._known = known
        self.listener = listener
        self.session: UpstreamSession
        self.in_use = 0
        self.exclusive = False
        """True while a call runs whose client may be asked something, and questions name no call."""
        self.held = 0
        """Number of subscriptions that keep it open."""
        self.closed = False
        self.retired = False
        """True once it is to end with the calls that run."""
        self.opened_at = asyncio.get_running_loop().time()
        self.last_used = asyncio.get_running_loop().time()
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: Transport | None = None
        self._task = asyncio.create_task(self._keep(), name=f"tool server {way.name}")

    async def ready(self) -> None:
        """Wait until it is open. Raises `UpstreamDown`, `MCPError`."""
        await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Close it and wait until nothing of it is left."""
        self.closed = True
        self._stop.set()
        if not self._ready.done():
            self._task.cancel()
        await asyncio.wait({self._task})

    def when_closed(self, call: Callable[["Connection"], object]) -> None:
        """Call a function when nothing of it is left."""
        self._task.add_done_callback(lambda _: call(self))

    async def wait_closed(self) -> None:
        """Wait until it is gone."""
        await asyncio.wait({self._task})

    def seems_gone(self) -> bool:
        """Return whether it ended, after the SDK said so of a stream; nobody uses it any more then."""
        if self._transport is not None:
            self.closed = True
            self._stop.set()
        return self.closed

    def last_words(self) -> str:
        return self._transport.last_words() if self._transport else ""

    @property
    def transport(self) -> Literal["stdio", "http", "sse"]:
        """Return how the server is spoken with."""
        if self.way.server.command:
            return "stdio"
        return "sse" if self._transport else "http"

    @property
    def is_idle(self) -> bool:
        return not self.in_use and not self.held

    def is_unused(self, now: float) -> bool:
        """Return whether nobody has used it for as long as the configuration keeps it."""
        return self.is_idle and now - self.last_used > self.way.server.idle_seconds

    def is_old(self, now: float) -> bool:
        """Return whether its process has lived for as long as the configuration lets it."""
        most = self.way.server.max_life_seconds
        return most is not None and now - self.opened_at > most

    async def _keep(self) -> None:
        try:
            await self._opened()
        except asyncio.CancelledError:
            self._fail(UpstreamDown(self.way.name, "the gateway stops"))
        except (UpstreamDown, MCPError) as error:
            self._fail(error)
        except BaseExceptionGroup as group:
            self._fail(_first(group, self.way.name))
        except Exception as error:
            log.exception("connection to tool server %s failed", self.way.name)
            self._fail(UpstreamDown(self.way.name, f"it failed ({type(error).__name__})"))
        finally:
            self.closed = True
            self._fail(UpstreamDown(self.way.name, "it ended", self.last_words()))

    def _fail(self, error: BaseException) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # who waits raises it; nobody may be waiting

    async def _opened(self) -> None:
        """Open in the first way that works, and hold. Raises what the last one raised."""
        server = self.way.server
        if server.command:
            await self._over_process()
        elif server.transport == "sse":
            await self._over_events()
        else:
            try:
                await self._hold(over_http(self.way))
            except (HttpFailure, MCPError) as error:
                if self._ready.done() or server.transport == "http" or not _is_older(error):
                    raise
                await self._over_events()

    async def _over_process(self) -> None:
        try:
            self._transport = process(self.way)
            await self._hold(over_streams(self._transport))
        except (MCPError, BaseExceptionGroup) as error:
            if self._ready.done() or self._known is not None or not _is_closed(error):
                raise
            # Some older servers end when they are asked something that they do not know.
            self._known = "legacy"
            self._transport = process(self.way)
            await self._hold(over_streams(self._transport))

    async def _over_events(self) -> None:
        self._known = "legacy"
        self._transport = events(self.way)
        await self._hold(over_streams(self._transport))

    async def _hold(self, opening: AbstractAsyncContextManager[Channel]) -> None:
        async with _told_last_words(self), opening as channel:
            channel.listen(self.listener)
            seconds = self.way.server.timeouts.open
            self.session = session = UpstreamSession(self.way.name, channel, self.declared, seconds)
            fixed = self.way.server.protocol != "auto"
            known = self.way.server.protocol if self.way.server.protocol != "auto" else self._known
            try:
                async with asyncio.timeout(seconds):
                    await session.open(known, fixed)
            except TimeoutError:
                raise UpstreamDown(self.way.name, f"it did not start within {seconds:g} s", self.last_words()) from None
            self._ready.set_result(None)
            following = asyncio.create_task(follow(session, self.listener), name=f"listening to {self.way.name}")
            try:
                await self._wait_for_end()
            finally:
                self.closed = True
                following.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await following

    async def _wait_for_end(self) -> None:
        """Wait until it is to be closed, or is seen to be gone."""
        waits = [self._stop.wait()] + ([self._transport.ended.wait()] if self._transport else [])
        tasks = [asyncio.ensure_future(each) for each in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def _told_last_words(connection: Connection) -> AsyncIterator[None]:
    """Put what a process said before it ended into the error of a start that failed."""
    try:
        yield
    except (MCPError, BaseExceptionGroup) as error:
        if not _is_closed(error) or not connection.last_words():
            raise
        if connection._known is None and connection.way.server.protocol == "auto":
            raise
        raise UpstreamDown(connection.way.name, "it ended at its start", connection.last_words()) from None


def _is_closed(error: BaseException) -> bool:
    found = _first(error, "") if isinstance(error, BaseExceptionGroup) else error
    return isinstance(found, MCPError) and found.code == CONNECTION_CLOSED


def _is_older(error: HttpFailure | MCPError) -> bool:
    return error.status in _OLDER_STATUSES if isinstance(error, HttpFailure) else error.code == METHOD_NOT_FOUND


def _first(group: BaseException, server: str) -> BaseException:
    """Return the failure that a group of them is about."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    known = isinstance(group, UpstreamDown | MCPError)
    return group if known else UpstreamDown(server, f"it failed ({type(group).__name__})")
