"""A client of one era in front of whatever is tested: the everything-server itself, or the hub before it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

MODES = {"legacy": "legacy", "modern": "auto"}


@dataclass
class Seen:
    """What reached the client besides its answers."""

    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    logged: list[types.LoggingMessageNotificationParams] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def on_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, total, message))

    async def on_log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.logged.append(params)

    async def on_message(self, message: Any) -> None:
        self.messages.append(message)


@dataclass(frozen=True)
class Peer:
    """Where to connect, in which era, with which headers."""

    url: str
    era: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_modern(self) -> bool:
        return self.era == "modern"

    @asynccontextmanager
    async def client(self, seen: Seen | None = None, **more: Any) -> AsyncIterator[Client]:
        """Open a client; callbacks in `more` declare its capabilities."""
        seen = seen or Seen()
        async with httpx2.AsyncClient(headers=self.headers, timeout=60) as http:
            transport = streamable_http_client(self.url, http_client=http)
            heard: dict[str, Any] = {"logging_callback": seen.on_log, "message_handler": seen.on_message}
            async with Client(transport, mode=MODES[self.era], cache=None, **heard, **more) as client:
                yield client


class Person:
    """Answers what servers ask, with the given answers one after the other, and notes the questions."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def elicit(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params)
        answer = self.answers.pop(0)
        return types.ElicitResult(action="accept", content=answer) if isinstance(answer, dict) else _action(answer)

    async def sample(self, context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        self.asked.append(params)
        content = types.TextContent(type="text", text="Paris")
        return types.CreateMessageResult(role="assistant", content=content, model="m", stop_reason="endTurn")

    async def roots(self, context: Any) -> types.ListRootsResult:
        self.asked.append("roots")
        return types.ListRootsResult.model_validate({"roots": [{"uri": "file:///srv/work", "name": "work"}]})

    def everything(self) -> dict[str, Any]:
        return {
            "elicitation_callback": self.elicit,
            "sampling_callback": self.sample,
            "list_roots_callback": self.roots,
        }


def _action(action: str | None) -> types.ElicitResult:
    return types.ElicitResult.model_validate({"action": action, "content": {} if action == "accept" else None})


def words(result: types.CallToolResult) -> str:
    """Return the text of a result of one text block."""
    (block,) = result.content
    assert isinstance(block, types.TextContent), block
    return block.text
