"""
title: My plugin
author: Your name
version: 0.1.0
license: MIT
description: Tells the model the house rules before every question.
required_open_webui_version: 0.12.4
id: my_plugin
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import BaseModel, Field

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My plugin",
        "description": "Tells the model the house rules before every question.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number come first.",
        "valves.rules.title": "House rules",
        "valves.rules.description": "What the model is told. Empty: nothing.",
        "user_valves.quiet.title": "Quiet",
        "user_valves.quiet.description": "No line above the answer.",
    },
    "ja-JP": {
        "name": "わたしのプラグイン",
        "description": "質問のたびに、社内の決まりをモデルに伝えます。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.rules.title": "社内の決まり",
        "valves.rules.description": "モデルに伝える内容です。空の場合は何も伝えません。",
        "user_valves.quiet.title": "表示しない",
        "user_valves.quiet.description": "回答の上に行を表示しません。",
    },
}

TEXT = {
    "en": {"told": "The house rules apply ({length} characters)"},
    "ja": {"told": "社内の決まりを適用しています（{length}文字）"},
}

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


class Filter:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        rules: str = valve(
            "Say so when you are not sure.", "valves.rules", json_schema_extra={"input": {"type": "textarea"}}
        )

    class UserValves(BaseModel):
        quiet: bool = valve(False, "user_valves.quiet")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self, body: Json, __user__: Json, __metadata__: Json, __event_emitter__: Emitter | None = None
    ) -> Json:
        """Runs once for each question, before documents and tools."""
        rules = self.valves.rules.strip()
        if not rules:
            return body
        if __event_emitter__ and not wants_quiet(__user__):
            told = TEXT[user_language(__metadata__)]["told"].format(length=len(rules))
            await __event_emitter__({"type": "status", "data": {"description": told, "done": True}})
        return {**body, "messages": with_rules(body["messages"], rules)}


def wants_quiet(user: Json) -> bool:
    # Open WebUI leaves the settings of another filter here if this one has none stored.
    return bool(getattr(user.get("valves"), "quiet", False))


def with_rules(messages: list[Json], rules: str) -> list[Json]:
    """Put them at the beginning, where they do not disturb the provider's prompt cache; never twice."""
    system = {"role": "system", "content": rules}
    return messages if system in messages else [system, *messages]
