"""How the person sees the page."""

import asyncio
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plugins.my_usage.texts import TEXT
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.money import money
from plugins.shared.types import Caller
from plugins.shared.usage import known_zone


class Shown(NamedTuple):
    """How the person sees it. `theme`: light, dark, or empty for what the device prefers."""

    language: Literal["en", "ja"]
    theme: str
    currency: str
    rate: float
    zone: str = "UTC"

    @property
    def text(self) -> dict[str, str]:
        return TEXT[self.language]

    def moment(self, told: Any) -> str:
        """Return a UTC time such as 2026-12-01T00:00:00Z in the person's time zone; empty if it is none."""
        try:
            at = datetime.fromisoformat(told).astimezone(ZoneInfo(self.zone))
        except (TypeError, ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
            return ""
        return f"{at:%Y-%m-%d %H:%M}"

    def money(self, usd: float) -> str:
        return money(usd * self.rate, self.currency)


BROWSER_SECONDS = 3
IN_THE_BROWSER = (
    "const system = (localStorage.getItem('theme') || 'system') === 'system';"
    "const dark = document.documentElement.classList.contains('dark');"
    # The chart stands above the answer whose button was pressed: the page goes there.
    "const known = new Set(document.querySelectorAll('iframe'));"
    "const look = setInterval(() => {"
    "const made = [...document.querySelectorAll('iframe')].find((frame) => !known.has(frame));"
    "if (made) { clearInterval(look); setTimeout(() => made.scrollIntoView({block: 'center'}), 300) } }, 200);"
    "setTimeout(() => clearInterval(look), 15000);"
    "const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || '';"
    "return [localStorage.getItem('locale') || '', system ? '' : dark ? 'dark' : 'light', zone].join(' ')"
)


async def seen_by(call: Caller | None, request: Any) -> tuple[Literal["en", "ja"], str, str]:
    """Return language, theme and time zone of the person's page; from the request's headers if no page answers."""
    said: Any = None
    if call:
        try:
            said = await asyncio.wait_for(
                call({"type": "execute", "data": {"code": IN_THE_BROWSER}}), timeout=BROWSER_SECONDS
            )
        except Exception as error:
            log.info("my_usage: the page does not tell its language (%s)", type(error).__name__)
    locale, theme, zone = [*(said.split(" ") if isinstance(said, str) else ()), "", "", ""][:3]
    language = user_language({"variables": {"{{USER_LANGUAGE}}": locale}}, request)
    return language, theme if theme in ("light", "dark") else "", known_zone(zone)
