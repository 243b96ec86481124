"""What a server sends while it works on a client's request, on its way to that client."""

import asyncio
from collections.abc import Awaitable, Callable

from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from gateway.mcp.capabilities import missing_for
from gateway.mcp.deadline import Deadline
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import ASKING, LOG_LEVELS, Params, Result

Ask = Callable[[str, Params], Awaitable[Result]]

_PROGRESS_SECONDS = 0.1
_LOGS_PER_SECOND = 20
_LONGEST_MESSAGE = 2000
"""Characters of a message of progress."""


class CallSink:
    """Passes on progress, log lines and questions, in bounds."""

    def __init__(self, client: Client, deadline: Deadline, ask: Ask) -> None:
        self._client = client
        self._deadline = deadline
        self._ask = ask
        self._level = client.log_level
        self.logs = self._level is not None
        self._progress = float("-inf")
        self._sent_at = float("-inf")
        self._held: Params | None = None
        self._second = 0
        self._lines = 0
        self.is_gone = False
        """True once nobody reads the stream any more."""

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Pass progress on where it grew, ten times a second at most; what is held back last is sent at the end."""
        self._deadline.touch()
        token = self._client.progress_token
        if token is None or progress <= self._progress:
            return
        self._progress = progress
        params: Params = {"progressToken": token, "progress": progress}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message[:_LONGEST_MESSAGE]
        now = asyncio.get_running_loop().time()
        if now - self._sent_at < _PROGRESS_SECONDS:
            self._held = params
            return
        self._sent_at = now
        await self._notify("notifications/progress", params)

    async def flush(self) -> None:
        """Send the progress that was held back."""
        held, self._held = self._held, None
        if held is not None:
            await self._notify("notifications/progress", held)

    async def notified(self, method: str, params: Params) -> None:
        """Pass a line of the server's log on, twenty a second at most."""
        if method != "notifications/message" or self._level is None:
            return
        level = params.get("level")
        if level not in LOG_LEVELS or LOG_LEVELS.index(level) < LOG_LEVELS.index(self._level):
            return
        second = int(asyncio.get_running_loop().time())
        self._lines = self._lines + 1 if second == self._second else 1
        self._second = second
        if self._lines <= _LOGS_PER_SECOND and "data" in params:
            await self._notify(method, params)

    async def asked(self, method: str, params: Params) -> Result:
        """Ask the client, if it can be asked this; the time that it takes does not count. Raises `MCPError`."""
        if method not in ASKING or missing_for(method, params, self._client.capabilities) is not None:
            raise MCPError(METHOD_NOT_FOUND, "The client cannot be asked this.", data=method)
        with self._deadline.paused():
            return await self._ask(method, params)

    async def _notify(self, method: str, params: Params) -> None:
        if not self.is_gone:
            await self._client.notify(method, params)
