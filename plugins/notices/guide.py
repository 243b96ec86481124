"""The notice that each person confirms once."""

import asyncio
import time
from typing import Any

from plugins.notices.texts import TEXT
from plugins.shared.log import log
from plugins.shared.notices import ask_gateway
from plugins.shared.types import Caller

GUIDE = "guide"
DIALOG_SECONDS = 120
SHOW_AGAIN_SECONDS = 3600
MOST_REMEMBERED = 20_000
confirmed: set[tuple[str, str]] = set()
shown_at: dict[tuple[str, str], float] = {}


async def show_guide(
    valves: Any, user: dict[str, Any], metadata: dict[str, Any], language: str, call: Caller | None
) -> None:
    """Show the notice to who has not confirmed this version of it; the chat goes on, whatever they press."""
    who = (str(user["id"]), valves.guide_version)
    if not call or who in confirmed or not may_show(who):
        return
    told = await ask_gateway("acknowledgements", None, valves, user, metadata)
    found = told.get("data")
    if not isinstance(found, list) or is_among(found, valves.guide_version):
        remember(who, isinstance(found, list))
        return
    data = {"title": TEXT[language]["title"], "message": message(valves, language)}
    try:
        pressed = await asyncio.wait_for(call({"type": "confirmation", "data": data}), DIALOG_SECONDS)
    except Exception as error:
        log.info("notices: the page does not answer (%s)", type(error).__name__)
        return
    if pressed is True:
        given = {"notice": GUIDE, "version": valves.guide_version}
        remember(who, bool(await ask_gateway("acknowledgements", given, valves, user, metadata)))


def message(valves: Any, language: str) -> str:
    """Return the company's own text, or ours, with the link to the rules."""
    own = str(valves.guide_text_ja if language == "ja" else valves.guide_text_en).strip()
    link = valves.guide_link.strip()
    more = "\n\n" + TEXT[language]["link"].format(link=link) if link else ""
    return (own or TEXT[language]["guide"]) + more


def is_among(found: list[Any], version: str) -> bool:
    """Return whether the gateway knows that the person confirmed a version."""
    return any(
        isinstance(each, dict) and each.get("notice") == GUIDE and each.get("version") == version for each in found
    )


def may_show(who: tuple[str, str]) -> bool:
    """Return whether it is time to show it again to who did not confirm it, and note that it is done now."""
    now = time.monotonic()
    if now - shown_at.get(who, -SHOW_AGAIN_SECONDS) < SHOW_AGAIN_SECONDS:
        return False
    if len(shown_at) >= MOST_REMEMBERED:
        shown_at.clear()
    shown_at[who] = now
    return True


def remember(who: tuple[str, str], is_known: bool) -> None:
    """Remember that a person confirmed it, where the gateway knows."""
    if len(confirmed) >= MOST_REMEMBERED:
        confirmed.clear()
    if is_known:
        confirmed.add(who)
