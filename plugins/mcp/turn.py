"""What one call of these tools works with."""

from dataclasses import dataclass
from typing import Any

from plugins.mcp.texts import TEXT
from plugins.shared.language import user_language
from plugins.shared.status_line import show
from plugins.shared.types import Caller, Emitter, Json

ACTION = "mcp"


@dataclass(frozen=True)
class Turn:
    """The chat in which the model called."""

    user: Json
    metadata: Json
    request: Any
    emitter: Emitter | None
    call: Caller | None

    @property
    def language(self) -> str:
        return user_language(self.metadata, self.request)

    @property
    def text(self) -> dict[str, str]:
        return TEXT[self.language]

    @property
    def page(self) -> Caller | None:
        """Where the person can be asked, None where no page of theirs is open."""
        return self.call if self.metadata.get("session_id") else None

    async def tell(self, key: str, **said: str) -> None:
        """Show a line above the answer."""
        await show(self.emitter, self.text[key].format(**said), True, ACTION)

    async def emit(self, *events: Json) -> None:
        for event in events if self.emitter else ():
            await self.emitter(event)  # type: ignore[misc]
