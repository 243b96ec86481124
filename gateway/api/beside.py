"""Pure work beside the event loop, where it is long."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gateway import wire

P = ParamSpec("P")
T = TypeVar("T")


async def beside(size: int, work: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """Return what pure work on `size` bytes gives; on many it is done in a thread."""
    if size <= wire.LARGE_BYTES:
        return work(*arguments, **more)
    return await asyncio.to_thread(work, *arguments, **more)
