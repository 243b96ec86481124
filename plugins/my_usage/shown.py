"""How the person sees the page."""

import asyncio
from typing import Any, Literal, NamedTuple

from plugins.my_usage.texts import TEXT
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.money import money
from plugins.shared.types import Caller


class Shown(NamedTuple):
    """How the person sees it. `theme`: light, dark, or empty for what the device prefers."""

    language: Literal["en", "ja"]
    theme: str
    currency: str
    rate: float

    @property
    def text(self) -> dict[str, str]:
        return TEXT[self.language]

    def money(self, usd: float) -> str:
        return money(usd * self.rate, self.currency)


BROWSER_SECONDS = 3
IN_THE_BROWSER = (
    "const system = (localStorage.getItem('theme') || 'system') === 'system';"
    "const dark = document.documentElement.classList.contains('dark');"
    "return [localStorage.getItem('locale') || '', system ? '' : dark ? 'dark' : 'light'].join(' ')"
)


async def seen_by(call: Caller | None, request: Any) -> tuple[Literal["en", "ja"], str]:
    """Return language and theme of the person's page; from the request's headers if no page answers."""
    said: Any = None
    if call:
        try:
            said = await asyncio.wait_for(
                call({"type": "execute", "data": {"code": IN_THE_BROWSER}}), timeout=BROWSER_SECONDS
            )
        except Exception as error:
            log.info("my_usage: the page does not tell its language (%s)", type(error).__name__)
    locale, _, theme = said.partition(" ") if isinstance(said, str) else ("", "", "")
    language = user_language({"variables": {"{{USER_LANGUAGE}}": locale}}, request)
    return language, theme if theme in ("light", "dark") else ""
