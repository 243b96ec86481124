"""The action: a chart of the person's usage."""

from typing import Any

from pydantic import BaseModel
from starlette.responses import HTMLResponse

from plugins.my_usage.page import document
from plugins.my_usage.shown import Shown, seen_by
from plugins.my_usage.texts import TEXT
from plugins.shared.types import Caller, Emitter
from plugins.shared.usage import month_usage
from plugins.shared.valve import valve


class Action:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        currency: str = valve("USD", "valves.currency", max_length=8)
        rate: float = valve(1.0, "valves.rate", gt=0)

    icon_url = (  # bars
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPScjNjY2JyBzdHJva2Utd2lkdGg9JzEuNycgc3Ryb2tlLWxpbmVjYXA9J3JvdW5kJyBzdHJva2UtbGluZWpvaW49J3JvdW5k"
        "Jz48cGF0aCBkPSdNNCAyMGgxNk03LjUgMTZ2LTRNMTIgMTZWOE0xNi41IDE2VjUnLz48L3N2Zz4="
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def action(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
    ) -> Any:
        """Show a chart at the answer whose button was pressed; a notification if the gateway does not answer."""
        valves = self.valves
        language, theme, zone = await seen_by(__event_call__, __request__)
        text = TEXT[language]
        usage = await month_usage(valves, __user__, zone)
        if usage is None:
            if __event_emitter__:
                await __event_emitter__(
                    {"type": "notification", "data": {"type": "warning", "content": text["silent"]}}
                )
            return None
        page = document(usage, Shown(language, theme, valves.currency, valves.rate, zone))
        return HTMLResponse(page, headers={"Content-Disposition": "inline"})
