"""The routes of the hub. The hub itself, and the SDK under it, are imported where tool servers are configured.

Of several worker processes one runs the hub, and the others hand over what reaches them: so each session, each call
that waits and each program of a tool server is there once, whichever process a client's connection meets.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gateway.api.client import Answer
from gateway.api.telling import refuse
from gateway.config.mcp import APART
from gateway.errors import NotFound
from gateway.mcp.workers.follower import Follower
from gateway.mcp.workers.place import Place
from gateway.mcp.workers.taking_over import taking_over
from gateway.runtime import Runtime

if TYPE_CHECKING:
    from gateway.mcp.front.app import Front


log = logging.getLogger("sekisho.mcp")


class ToolServers:
    """The ASGI application below `/mcp`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._front: Front | None = None
        self._starting = asyncio.Lock()
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        config = runtime.current.config
        self._place = Place(config.data_dir / "mcp") if config.server.workers > 1 else None
        self._follower = Follower(runtime, self._place) if self._place else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the hub, from the start or from the first request after it was configured, until the block ends."""
        config = self._runtime.current.config
        if config.mcp is not None:
            await self._started()
            if config.database is not None and config.shared_state is None:
                log.warning("mcp: %s", APART)
        try:
            yield
        finally:
            if self._task and self._stop:
                self._stop.set()
                await asyncio.wait({self._task})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._runtime.current.config.mcp is None and self._front is None:
            await refuse(Answer(send), NotFound("No tool servers are configured here ('mcp:')."), scope)
            return
        if self._front is None and self._follower:
            await self._follower(scope, receive, send, self._started)
            return
        front = self._front or await self._started()
        assert front
        await front(scope, receive, send)

    async def signed(self, server: str, person: str) -> None:
        """Tell the hub of this process, if it runs here, that a person has signed in at a server, or out.

        A hub in another process finds out for itself within seconds.
        """
        if self._front:
            await self._front.hub.signed(server, person)

    def begin_stop(self) -> None:
        """End the streams that clients keep open for changes, or nobody could leave before they do."""
        if self._front:
            self._front.begin_stop()
        if self._follower:
            self._follower.begin_stop()

    async def _started(self) -> "Front | None":
        """Return the hub of this process, which runs from now on; None where another process runs it."""
        async with self._starting:
            if self._front is None and (self._place is None or self._place.lead()):
                front = await asyncio.to_thread(_front, self._runtime)  # it takes a second to import
                self._stop, ready = asyncio.Event(), asyncio.Event()
                # One task enters and leaves: groups of tasks demand it.
                self._task = asyncio.create_task(self._keep(front, self._stop, ready), name="tool servers")
                await ready.wait()
                if self._task.done():
                    self._task.result()
                self._front = front
        return self._front

    async def _keep(self, front: "Front", stop: asyncio.Event, ready: asyncio.Event) -> None:
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(front.running())
                if self._place and self._follower:
                    limits = self._runtime.current.config.server
                    await stack.enter_async_context(
                        taking_over(front, self._place, await self._follower.token(), limits)
                    )
                    log.info("mcp: this process serves the tool servers for all workers")
                ready.set()
                await stop.wait()
        finally:
            ready.set()


def _front(runtime: Runtime) -> "Front":
    """Import and make the hub: it takes a second, and a package that `gateway.preflight` has looked for."""
    from gateway.mcp.front.app import Front

    return Front(runtime)
