"""The action: a link to the person's own page."""

import asyncio
import json
from typing import Any

from pydantic import BaseModel

from plugins.my_page.link import one_time_link
from plugins.my_page.texts import TEXT
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.types import Caller, Emitter
from plugins.shared.valve import valve

BROWSER_SECONDS = 3
ABOUT_THE_PAGE = (
    "return [localStorage.getItem('locale') || '', Intl.DateTimeFormat().resolvedOptions().timeZone || ''].join(' ')"
)
OPEN = "const made = window.open({url}, '_blank'); if (made) {{ made.opener = null }} else {{ location.assign({url}) }}"


class Action:
    class Valves(BaseModel):
        priority: int = valve(1, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")

    icon_url = (  # a person
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPScjNjY2JyBzdHJva2Utd2lkdGg9JzEuNycgc3Ryb2tlLWxpbmVjYXA9J3JvdW5kJz48Y2lyY2xlIGN4PScxMicgY3k9Jzgn"
        "IHI9JzMuNScvPjxwYXRoIGQ9J001IDIwYzAtNCAzLTYgNy02czcgMiA3IDYnLz48L3N2Zz4="
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
        """Show a dialog with a link that signs the person in at the gateway, and open it when they agree."""
        language, zone = await about_the_page(__event_call__, __request__)
        text = TEXT[language]
        link = await one_time_link(self.valves, __user__, language, zone)
        if link is None or __event_call__ is None:
            await notify(__event_emitter__, text["silent"])
            return None
        url, seconds = link
        message = text["message"].format(url=url, seconds=seconds)
        agreed = await answer_of(__event_call__, "confirmation", title=text["title"], message=message)
        if agreed:
            await answer_of(__event_call__, "execute", code=OPEN.format(url=json.dumps(url)))
        return None


async def about_the_page(call: Caller | None, request: Any) -> tuple[Any, str]:
    """Return language and time zone of the person's page; the language of the request's headers if none answers."""
    said = await answer_of(call, "execute", BROWSER_SECONDS, code=ABOUT_THE_PAGE) if call else None
    locale, zone = [*(said.split(" ") if isinstance(said, str) else ()), "", ""][:2]
    return user_language({"variables": {"{{USER_LANGUAGE}}": locale}}, request), zone


async def answer_of(call: Caller, kind: str, seconds: float | None = None, **data: Any) -> Any:
    """Return what the person's page answers to an event; None if it does not."""
    try:
        return await asyncio.wait_for(call({"type": kind, "data": data}), timeout=seconds)
    except Exception as error:
        log.info("my_page: the page does not answer (%s)", type(error).__name__)
        return None


async def notify(emit: Emitter | None, content: str) -> None:
    if emit:
        await emit({"type": "notification", "data": {"type": "warning", "content": content}})
