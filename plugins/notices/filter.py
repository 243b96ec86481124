"""The filter: what people should know, once."""

from typing import Any

from pydantic import BaseModel

from plugins.notices.guide import show_guide
from plugins.notices.texts import TEXT
from plugins.shared.language import user_language
from plugins.shared.notices import notices
from plugins.shared.status_line import tell
from plugins.shared.types import Caller, Emitter
from plugins.shared.valve import valve


class Filter:
    class Valves(BaseModel):
        priority: int = valve(60, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        guide: bool = valve(False, "valves.guide")
        guide_version: str = valve("1", "valves.guide_version", min_length=1, max_length=100)
        guide_text_en: str = valve("", "valves.guide_text_en", json_schema_extra={"input": {"type": "textarea"}})
        guide_text_ja: str = valve("", "valves.guide_text_ja", json_schema_extra={"input": {"type": "textarea"}})
        guide_link: str = valve("", "valves.guide_link")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __request__: Any,
        __event_call__: Caller | None = None,
    ) -> dict[str, Any]:
        """Show the notice before the first chat; change nothing."""
        valves = self.valves
        if valves.guide and __metadata__.get("session_id"):
            language = user_language(__metadata__, __request__)
            await show_guide(valves, __user__, __metadata__, language, __event_call__)
        return body

    async def outlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Tell below the answer what the person was not told yet; change nothing."""
        if __event_emitter__:
            part = TEXT[user_language(__metadata__, __request__)]["part"]
            for line in await notices(self.valves, __user__, __metadata__, __model__):
                await tell(__metadata__, __event_emitter__, line, part)
        return body
