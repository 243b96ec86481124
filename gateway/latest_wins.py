"""Cancels a code completion when the same person and client ask for a newer one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.errors import Superseded

Who = tuple[str, ...]

_LEAVING_SECONDS = 0.5
"""Longest wait for an older completion to give its place and its limits back."""


class _Running:
    """A completion that runs."""

    __slots__ = ("_task", "left", "superseded")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self.superseded = False
        self.left = asyncio.Event()

    async def supersede(self) -> None:
        """Cancel it and wait until it has left."""
        self.superseded = True
        self._task.cancel()
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.left.wait()
        except TimeoutError:
            pass


class LatestWins:
    """Keeps the running completion of each person and client; no more than there are requests."""

    def __init__(self) -> None:
        self._running: dict[Who, _Running] = {}

    @asynccontextmanager
    async def newest(self, who: Who) -> AsyncIterator[None]:
        """Cancel the completion that runs under `who`; raise `Superseded` in this block when a newer one comes."""
        task = asyncio.current_task()
        assert task is not None
        older = self._running.get(who)
        mine = self._running[who] = _Running(task)
        try:
            if older:
                await older.supersede()
            yield
        except asyncio.CancelledError:
            if not mine.superseded:
                raise
            task.uncancel()
            raise Superseded("The operation was aborted: a newer completion took this one's place.") from None
        finally:
            mine.left.set()
            if self._running.get(who) is mine:
                del self._running[who]
