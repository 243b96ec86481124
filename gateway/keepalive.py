"""Comments in silence, so that no proxy on the way closes a connection that waits.

One coarse timer a stream looks at the time of the last block, so that a chunk costs one
attribute, not a timer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self


class KeepAlive:
    """`async with KeepAlive(...)`: calls `send` after every `interval` seconds without `beat()`."""

    def __init__(self, interval: float, send: Callable[[], Awaitable[None]]) -> None:
        self._interval = interval
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending: asyncio.Task[None] | None = None

    def beat(self) -> None:
        """Note that something was sent."""
        self._last = self._loop.time()

    async def __aenter__(self) -> Self:
        self._timer = self._loop.call_later(self._interval, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._sending:
            self._sending.cancel()

    def _look(self) -> None:
        quiet = self._loop.time() - self._last
        if quiet >= self._interval * 0.99:
            self.beat()
            quiet = 0.0
            if self._sending is None or self._sending.done():  # else the client does not even read the last one
                self._sending = asyncio.ensure_future(self._send())
        self._timer = self._loop.call_later(self._interval - quiet, self._look)
