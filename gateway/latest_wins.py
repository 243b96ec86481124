"""Cancels a code completion when the same person and client ask for a newer one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import Superseded

Who = tuple[str, ...]


class LatestWins:
    """Keeps the running completion of each person and client."""

    def __init__(self) -> None:
        self._running: dict[Who, tuple[asyncio.Task[object], list[bool]]] = {}

    @contextmanager
    def newest(self, who: Who) -> Iterator[None]:
        """Cancel the completion that runs under `who`; raise `Superseded` in this block when a newer one comes."""
        task = asyncio.current_task()
        assert task is not None
        if older := self._running.get(who):
            older[1].append(True)
            older[0].cancel()
        ended: list[bool] = []
        mine = self._running[who] = (task, ended)
        try:
            yield
        except asyncio.CancelledError:
            if not ended:
                raise
            task.uncancel()
            raise Superseded("A newer completion request took this one's place.") from None
        finally:
            if self._running.get(who) is mine:
                del self._running[who]
