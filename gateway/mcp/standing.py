"""Streams that clients keep open for changes: nobody would leave them before the gateway does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LISTEN = "subscriptions/listen"


def lasts(verb: str, method: str) -> bool:
    """Return whether a request is answered by a stream that stays open: `verb` of HTTP, `method` of the protocol."""
    return verb == "GET" or method == LISTEN


class Standing:
    """All such streams of a process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False

    def end(self) -> None:
        """End all of them."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Serve a stream in the block, which ends quietly with the others."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            task.uncancel()
        finally:
            self._tasks.discard(task)
