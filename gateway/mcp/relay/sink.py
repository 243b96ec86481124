"""What a server sends while it works on a client's request, on its way to that client."""

import asyncio
from collections.abc import Awaitable, Callable

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST, METHOD_NOT_FOUND

from gateway.config.mcp import McpSampling
from gateway.mcp.capabilities import Capabilities, missing_for
from gateway.mcp.deadline import Deadline
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import LOG_LEVELS, Params, Result

Ask = Callable[[str, Params], Awaitable[Result]]
Model = Callable[[Params], Awaitable[Result]]
AskModel = Callable[[Client, Params, McpSampling], Awaitable[Result]]

SAMPLING = "sampling/createMessage"
_MOST_SAMPLED = 5

_PROGRESS_PER_SECOND = 10
_LOGS_PER_SECOND = 20
_LONGEST_MESSAGE = 2000
"""Characters of a message of progress."""


class CallSink:
    """Passes on progress, log lines and questions, in bounds."""

    def __init__(self, client: Client, deadline: Deadline, ask: Ask, model: Model | None = None) -> None:
        """Take `model`, which answers what a server asks a model and the client cannot."""
        self._client = client
        self._model = model
        self._sampled = 0
        self._deadline = deadline
        self._ask = ask
        self._level = client.log_level
        self.logs = self._level is not None
        self.missing: Capabilities | None = None
        """The capability without which a question of the server could not be put."""
        self._progress = float("-inf")
        self._held: Params | None = None
        self._reports = _Rate(_PROGRESS_PER_SECOND)
        self._lines = _Rate(_LOGS_PER_SECOND)

    def attend(self, client: Client) -> None:
        """Send to the request with which a client came again."""
        self._client = client

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
        if not self._reports.allows():
            self._held = params
            return
        self._held = None
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
        if "data" in params and self._lines.allows():
            await self._notify(method, params)

    async def asked(self, method: str, params: Params) -> Result:
        """Ask the client, if it can be asked this; the time that it takes does not count. Raises `MCPError`."""
        missing = missing_for(method, params, self._client.capabilities)
        if missing is not None:
            if self._model is not None and method == SAMPLING:
                return await self._modelled(params)
            self.missing = missing or None
            raise MCPError(METHOD_NOT_FOUND, "The client cannot be asked this.", data=method)
        with self._deadline.paused():
            return await self._ask(method, params)

    def answers(self, question: Params) -> bool:
        """Return whether a question is one for the gateway's model: the client has none that could be asked."""
        if self._model is None or question["method"] != SAMPLING:
            return False
        return missing_for(SAMPLING, question.get("params"), self._client.capabilities) is not None

    async def _modelled(self, params: Params) -> Result:
        """Ask the gateway's model; the time that it takes does not count. Raises `MCPError`."""
        assert self._model
        self._sampled += 1
        if self._sampled > _MOST_SAMPLED:
            raise MCPError(INVALID_REQUEST, f"A call may ask the gateway's model {_MOST_SAMPLED} times.")
        with self._deadline.paused():
            return await self._model(params)

    async def _notify(self, method: str, params: Params) -> None:
        await self._client.notify(method, params)


class _Rate:
    """Counts what passes in each second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._count = 0

    def allows(self) -> bool:
        second = int(asyncio.get_running_loop().time())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return self._count <= self._most
