"""How long a call may take: so long without a sign of life, so long in all, a person's answers aside."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Deadline:
    """`async with Deadline(silence, total) as deadline`: raises `TimeoutError`. Times in seconds."""

    def __init__(self, silence: float, total: float) -> None:
        self._silence = silence
        self._total = total
        self._paused = 0
        self._is_over = False

    async def __aenter__(self) -> Self:
        now = asyncio.get_running_loop().time()
        self._end = now + self._total
        self._timer = asyncio.timeout_at(min(now + self._silence, self._end))
        await self._timer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        await self._timer.__aexit__(kind, error, trace)

    def touch(self) -> None:
        """Note a sign of life."""
        if not self._paused:
            self._move(min(asyncio.get_running_loop().time() + self._silence, self._end))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock while a person is asked."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._paused += 1
        self._move(None)
        try:
            yield
        finally:
            self._paused -= 1
            if not self._paused:
                self._end += loop.time() - began
                self.touch()

    def _move(self, when: float | None) -> None:
        """Move the end, unless it is over or came already: a question may outlive its call for a moment."""
        if not self._is_over and not self._timer.expired():
            self._timer.reschedule(when)
