"""One call of a tool, and the table of tools."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import mcp_types as types
from mcp.server.connection import allowed_log_levels
from mcp.server.subscriptions import InMemorySubscriptionBus

from tests.fakes.mcp_everything.asking import Ask, Context, Fields

LEVELS: tuple[types.LoggingLevel, ...] = get_args(types.LoggingLevel)
"""From the lowest to the highest."""
NO_ARGUMENTS: Fields = {"type": "object", "properties": {}}


@dataclass
class Happened:
    """What tests want to know of a server in their own process."""

    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    levels: list[types.LoggingLevel] = field(default_factory=list)
    capabilities: list[Fields] = field(default_factory=list)


@dataclass
class Call:
    """A call with what a tool may use of it."""

    context: Context
    arguments: Fields
    ask: Ask
    bus: InMemorySubscriptionBus
    happened: Happened

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress, if the client gave a token for it."""
        token = (self.context.meta or {}).get("progress_token", (self.context.meta or {}).get("progressToken"))
        if token is not None:
            await self._send(
                types.ProgressNotification(
                    params=types.ProgressNotificationParams(
                        progress_token=token, progress=done, total=total, message=message
                    )
                )
            )

    async def log(self, level: types.LoggingLevel, data: Any) -> None:
        """Log, if the client wants this level."""
        lowest = self.happened.levels[-1] if self.happened.levels and not self.ask.is_modern else "debug"
        wanted = allowed_log_levels(self.context.protocol_version, self.context.meta)
        if level in wanted and LEVELS.index(level) >= LEVELS.index(lowest):
            params = types.LoggingMessageNotificationParams(level=level, data=data, logger="everything")
            await self._send(types.LoggingMessageNotification(params=params))

    async def _send(self, notification: types.ServerNotification) -> None:
        await self.context.session.send_notification(notification, related_request_id=self.context.request_id)


Result = types.CallToolResult | str
Run = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True)
class Offer:
    """A tool of the table."""

    tool: types.Tool
    run: Run


def offering(table: dict[str, Offer]) -> Callable[..., Callable[[Run], Run]]:
    """Return a decorator that puts a function into a table under its name; its docstring is the description."""

    def offer(schema: Fields | None = None, **more: Any) -> Callable[[Run], Run]:
        def put(run: Run) -> Run:
            name = run.__name__
            described = (run.__doc__ or name).strip()
            tool = types.Tool(name=name, description=described, input_schema=schema or NO_ARGUMENTS, **more)
            table[name] = Offer(tool, run)
            return run

        return put

    return offer


def string(*names: str, **more: Fields) -> Fields:
    """The schema of required strings, and of further properties."""
    properties = {name: {"type": "string"} for name in names} | more
    return {"type": "object", "properties": properties, "required": list(names)}
