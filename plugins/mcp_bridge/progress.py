"""Status lines of one call: how far it is, what it reports, how it ended."""

import math
import time
from typing import Any

from plugins.shared.status_line import show
from plugins.shared.tool_names import one_line
from plugins.shared.types import Emitter

ACTION = "mcp"
SECONDS_BETWEEN = 0.5  # each line is stored with the chat
MOST_LINES = 100  # of one call
QUIET = ("done", "failed")  # ends that Open WebUI shows itself


def percent_of(progress: Any, total: Any) -> int | None:
    """Return whole percent, None where a tool does not know how much there is."""
    numbers = (progress, total)
    if any(isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each) for each in numbers):
        return None
    return int(max(0, min(100, progress / total * 100))) if total > 0 else None


class Lines:
    """The lines of one call; what comes too fast is left out, the last one always comes."""

    def __init__(self, emitter: Emitter, tool: str, text: dict[str, str]) -> None:
        self._emitter, self._tool, self._text = emitter, tool, text
        self._count, self._last, self._shown = 0, "", -math.inf

    async def progress(self, progress: Any, total: Any, message: Any) -> None:
        percent = percent_of(progress, total)
        words = one_line(message) or ("" if percent is None else self._text["working_word"])
        if words:
            await self._some("progress" if percent is None else "percent", message=words, percent=percent)
        else:
            await self._some("working")

    async def log(self, data: Any) -> None:
        if words := one_line(data if isinstance(data, str) else ""):
            await self._some("log", message=words)

    async def end(self, key: str, who: str = "", *, done: bool) -> None:
        """Close the lines, which would spin for ever; a call without any ends quietly, unless people must know."""
        if self._count or key not in QUIET:
            await self._show(self._text[key].format(tool=who or self._tool), done=done)

    async def _some(self, key: str, **said: Any) -> None:
        line = self._text[key].format(tool=self._tool, **said)
        now = time.monotonic()
        if line == self._last or now - self._shown < SECONDS_BETWEEN or self._count >= MOST_LINES:
            return
        self._count, self._last, self._shown = self._count + 1, line, now
        await self._show(line, done=False)

    async def _show(self, line: str, done: bool) -> None:
        await show(self._emitter, line, done, ACTION)
