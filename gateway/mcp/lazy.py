"""The routes of the hub. The hub itself, and the SDK under it, are imported where tool servers are configured."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from gateway.api.client import Answer
from gateway.api.telling import refuse
from gateway.errors import NotFound
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

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the hub, from the start or from the first request after it was configured, until the block ends."""
        config = self._runtime.current.config
        if config.mcp is not None:
            await self._started()
            if config.server.workers > 1:
                log.warning("mcp: several workers: a session of an older client is known to one of them only")
        try:
            yield
        finally:
            if self._task and self._stop:
                self._stop.set()
                await asyncio.wait({self._task})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._front is None and self._runtime.current.config.mcp is not None:
            await self._started()
        if self._front is None:
            await refuse(Answer(send), NotFound("No tool servers are configured here ('mcp:')."), scope)
            return
        await self._front(scope, receive, send)

    def begin_stop(self) -> None:
        """End the streams that clients keep open for changes, or nobody could leave before they do."""
        if self._front:
            self._front.begin_stop()

    async def _started(self) -> None:
        async with self._starting:
            if self._front is None:
                front = await asyncio.to_thread(_front, self._runtime)  # it takes a second to import
                self._stop, ready = asyncio.Event(), asyncio.Event()
                # One task enters and leaves: groups of tasks demand it.
                self._task = asyncio.create_task(_keep(front, self._stop, ready), name="tool servers")
                await ready.wait()
                if self._task.done():
                    self._task.result()
                self._front = front


async def _keep(front: "Front", stop: asyncio.Event, ready: asyncio.Event) -> None:
    try:
        async with front.running():
            ready.set()
            await stop.wait()
    finally:
        ready.set()


def _front(runtime: Runtime) -> "Front":
    """Import and make the hub: it takes a second, and a package that `gateway.preflight` has looked for."""
    from gateway.mcp.front.app import Front

    return Front(runtime)
