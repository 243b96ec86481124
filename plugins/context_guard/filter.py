"""The filter: warns before the window is full, and stops what does not fit."""

import asyncio
from typing import Any

from pydantic import BaseModel

from plugins.context_guard.learning import learn
from plugins.context_guard.measuring import IMAGE_TOKENS, measured, share
from plugins.context_guard.switched_off import searched_files, why_switched_off
from plugins.context_guard.texts import TEXT
from plugins.context_guard.unread import unread_files
from plugins.shared.brief import rounded
from plugins.shared.correction import correction
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.status_line import tell
from plugins.shared.types import Emitter
from plugins.shared.valve import valve
from plugins.shared.window import base_model, context_window

MEASURED = "sekisho_measured"  # in __metadata__: the estimate of the last call, for `outlet` to compare
NAMED_FILES = 4
WARNED = "sekisho_guard_told"  # in __metadata__: this turn has its line


class TooLong(Exception):
    """Refusal of a request; Open WebUI shows its text in place of an answer."""


class Filter:
    class Valves(BaseModel):
        priority: int = valve(90, "valves.priority")
        warn_percent: int = valve(80, "valves.warn_percent", ge=0, le=100)
        stop_percent: int = valve(100, "valves.stop_percent", ge=0, le=200)
        window: int = valve(0, "valves.window", ge=0)

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Measure each call of the model, in tool loops too; change nothing, and warn once a turn."""
        valves = self.valves
        text = TEXT[user_language(__metadata__, __request__)]
        window = context_window(__model__, __request__) or valves.window
        try:
            raw, pictures = await asyncio.to_thread(measured, body)
            __metadata__[MEASURED] = 0 if pictures else raw
            tokens = round(raw * correction(__request__, base_model(__model__))) + pictures * IMAGE_TOKENS
            percent = share(tokens, window - int(body.get("max_tokens") or body.get("max_completion_tokens") or 0))
        except Exception:
            log.exception("context_guard: this call goes out unmeasured")
            return body
        values = {
            "tokens": rounded(tokens),
            "window": f"{window:,}",
            "model": __model__.get("name") or body.get("model"),
        }
        if window and valves.stop_percent and percent > valves.stop_percent:
            raise TooLong(text["stop"].format(**values))
        lines = []
        if unread := unread_files(__metadata__, __model__):
            lines.append(text["unread"].format(names=text["separator"].join(unread)))
        lines += await self.full_text_missing(text, __metadata__, __model__)
        if window and valves.warn_percent and percent >= valves.warn_percent:
            lines.append(text["warn"].format(percent=percent, **values))
        if lines and not __metadata__.get(WARNED):
            __metadata__[WARNED] = True
            await tell(__metadata__, __event_emitter__, text["part"].join(lines), text["part"])
        return body

    async def full_text_missing(
        self, text: dict[str, str], metadata: dict[str, Any], model: dict[str, Any]
    ) -> list[str]:
        """Return the line about files that are only searched because Full text does not run; none if there are none."""
        if metadata.get(WARNED):
            return []
        try:
            key = await why_switched_off(metadata, model)
        except Exception:
            log.exception("context_guard: whether Full text is missing is not known")
            return []
        names = text["separator"].join(searched_files(metadata)[:NAMED_FILES])
        return [text[key].format(names=names, model=model.get("name") or model.get("id"))] if key else []

    async def outlet(
        self, body: dict[str, Any], __metadata__: dict[str, Any], __model__: dict[str, Any], __request__: Any
    ) -> dict[str, Any]:
        """Learn from the real count of the call that was measured last."""
        usage = (body.get("messages") or [{}])[-1].get("usage") or {}
        learn(__request__, base_model(__model__), __metadata__.pop(MEASURED, 0), usage.get("prompt_tokens"))
        return body
