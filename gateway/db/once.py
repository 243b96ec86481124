"""Run one coroutine on the database from a program that has no event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_THREAD = "_connection_worker_thread"
"""Name of aiosqlite's threads; after a failed connection one writes to the closed loop and prints a stack trace."""
_WAIT_SECONDS = 1.0


def run_once(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; the threads of its connections have ended then."""
    return asyncio.run(_ended(work))


async def _ended(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    finally:
        for thread in threading.enumerate():
            if _THREAD in thread.name:
                await asyncio.to_thread(thread.join, _WAIT_SECONDS)
