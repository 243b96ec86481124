"""
title: My plugin
author: Your name
version: 0.1.0
license: MIT
description: Counts the working days between two dates.
required_open_webui_version: 0.12.4
id: my_plugin
"""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My plugin",
        "description": "Counts the working days between two dates.",
        "valves.holidays.title": "Holidays",
        "valves.holidays.description": "Dates such as 2026-12-29, separated by spaces; nobody works then.",
    },
    "ja-JP": {
        "name": "わたしのプラグイン",
        "description": "2つの日付の間の営業日を数えます。",
        "valves.holidays.title": "休日",
        "valves.holidays.description": "2026-12-29のような日付を空白で区切って書きます。営業日に数えません。",
    },
}

TEXT = {
    "en": {"counted": "{days} working days"},
    "ja": {"counted": "営業日は{days}日です"},
}

LONGEST_DAYS = 36_600

Json = dict[str, Any]
Emitter = Callable[[Json], Awaitable[None]]


def valve(default: Any, key: str, **rules: Any) -> Any:
    """Return a setting with the English title and description of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)


def user_language(metadata: Json) -> Literal["en", "ja"]:
    """Return the language of the person's Open WebUI."""
    chosen = str((metadata.get("variables") or {}).get("{{USER_LANGUAGE}}", ""))
    return "ja" if chosen.lower().startswith("ja") else "en"


class Tools:
    class Valves(BaseModel):
        holidays: str = valve("", "valves.holidays")

    def __init__(self) -> None:
        self.valves = self.Valves()

    # Every method without a leading underscore becomes a tool; its docstring is what the model reads.
    async def working_days(
        self, first: str, last: str, __metadata__: Json, __event_emitter__: Emitter | None = None
    ) -> str:
        """
        Count the working days from one date to another, both included.
        :param first: The first day as YYYY-MM-DD.
        :param last: The last day as YYYY-MM-DD.
        """
        holidays = self.valves.holidays.split()
        try:
            days = count(date.fromisoformat(first), date.fromisoformat(last), holidays)
        except ValueError as error:
            return f"Not counted: {error}. Give both days as YYYY-MM-DD, the earlier one first."
        if __event_emitter__:
            told = TEXT[user_language(__metadata__)]["counted"].format(days=days)
            await __event_emitter__({"type": "status", "data": {"description": told, "done": True}})
        return str(days)


def count(first: date, last: date, holidays: list[str]) -> int:
    """Raises ValueError."""
    if not first <= last <= first + timedelta(days=LONGEST_DAYS):
        raise ValueError(f"{first} to {last} is no span of at most {LONGEST_DAYS:,} days")
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return sum(day.weekday() < 5 and day.isoformat() not in holidays for day in days)
