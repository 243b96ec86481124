"""The filter: what the answer cost, and this month."""

from typing import Any

from pydantic import BaseModel

from plugins.shared.language import user_language, variable
from plugins.shared.notices import notices
from plugins.shared.status_line import tell
from plugins.shared.types import Emitter
from plugins.shared.usage import month_usage
from plugins.shared.valve import valve
from plugins.usage_line.parts import parts_of
from plugins.usage_line.texts import TEXT


class Filter:
    class Valves(BaseModel):
        priority: int = valve(50, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        currency: str = valve("USD", "valves.currency", max_length=8)
        rate: float = valve(1.0, "valves.rate", gt=0)

    toggle = True  # off until somebody switches it on
    icon = (  # a coin
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPSdibGFjaycgc3Ryb2tlLXdpZHRoPScyJyBzdHJva2UtbGluZWNhcD0ncm91bmQnIHN0cm9rZS1saW5lam9pbj0ncm91bmQn"
        "PjxjaXJjbGUgY3g9JzEyJyBjeT0nMTInIHI9JzknLz48cGF0aCBkPSdNOSA4bDMgNCAzLTRNMTIgMTJ2NU05LjUgMTMuNWg1Jy8+"
        "PC9zdmc+"
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def outlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Show the line, if the gateway gave a cost for this answer; change nothing."""
        valves = self.valves
        usage = (body.get("messages") or [{}])[-1].get("usage") or {}
        cost = usage.get("cost")
        if __event_emitter__ and isinstance(cost, int | float):
            text = TEXT[user_language(__metadata__, __request__)]
            month = await month_usage(valves, __user__, variable(__metadata__, "CURRENT_TIMEZONE"))
            line = text["part"].join(parts_of(usage, float(cost), month, valves, text))
            for each in (line, *await notices(valves, __user__, __metadata__, __model__)):
                await tell(__metadata__, __event_emitter__, each, text["part"])
        return body
