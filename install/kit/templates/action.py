"""
title: My plugin
author: Your name
version: 0.1.0
license: MIT
description: Says how long an answer is, and how long it takes to read.
required_open_webui_version: 0.12.4
id: my_plugin
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, Field

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My plugin",
        "description": "Says how long an answer is, and how long it takes to read.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Buttons with a lower number come first.",
        "valves.speed.title": "Reading speed",
        "valves.speed.description": "Characters a minute.",
    },
    "ja-JP": {
        "name": "わたしのプラグイン",
        "description": "回答の長さと、読むのにかかる時間を表示します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいボタンから並びます。",
        "valves.speed.title": "読む速さ",
        "valves.speed.description": "1分あたりの文字数です。",
    },
}

TEXT = {
    "en": {"told": "{length} characters, about {minutes} min to read"},
    "ja": {"told": "{length}文字、読むのに約{minutes}分"},
}

Json = dict[str, Any]
Emitter = Callable[[Json], Awaitable[None]]


def valve(default: Any, key: str, **rules: Any) -> Any:
    """Return a setting with the English title and description of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)


def browser_language(request: Any) -> Literal["en", "ja"]:
    """Return the language that the browser asks for; a button knows no other."""
    return "ja" if request.headers.get("accept-language", "").lower().startswith("ja") else "en"


class Action:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        speed: int = valve(500, "valves.speed", ge=1)

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def action(self, body: Json, __request__: Any, __event_emitter__: Emitter | None = None) -> None:
        """Runs when the button below an answer is pressed."""
        speed = self.valves.speed
        length = len(answer_of(body))
        told = TEXT[browser_language(__request__)]["told"].format(length=length, minutes=-(-length // speed))
        if __event_emitter__:
            await __event_emitter__({"type": "notification", "data": {"type": "info", "content": told}})


def answer_of(body: Json) -> str:
    """Return the text whose button was pressed."""
    answers = [message for message in body.get("messages") or [] if message.get("id") == body.get("id")]
    return str((answers or [{}])[-1].get("content") or "")
