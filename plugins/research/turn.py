"""The turn: the question, and the deltas of the answer."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from plugins.shared.turn import ChatTurn
from plugins.shared.types import Caller, Json


@dataclass
class Turn(ChatTurn):
    """A turn whose deltas of the answer go into `pieces`, which waits while nobody reads."""

    call: Caller | None
    tools: Json
    pieces: asyncio.Queue[Json | None] = field(default_factory=lambda: asyncio.Queue(64))

    @cached_property
    def question(self) -> str:
        return self.typed_question().strip()

    async def say(self, description: str, done: bool = False, **more: Any) -> None:
        """Show a status line."""
        await self.emit("status", {"description": description, "done": done, **more})

    async def write(self, text: str) -> None:
        if text:
            await self.pieces.put({"content": text})

    async def think(self, text: str) -> None:
        await self.pieces.put({"reasoning_content": text})
