"""
title: My plugin
author: Your name
version: 0.1.0
license: MIT
description: Answers with a model of this server, following instructions.
required_open_webui_version: 0.12.4
id: my_plugin
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Literal

from open_webui.models.users import Users
from open_webui.utils.chat import generate_chat_completion
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

log = logging.getLogger(__name__)

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My plugin",
        "description": "Answers with a model of this server, following instructions.",
        "valves.model.title": "Model",
        "valves.model.description": "Id of the model that is asked. Empty: the first of the menu.",
        "valves.instructions.title": "Instructions",
        "valves.instructions.description": "What the model is told before each conversation.",
    },
    "ja-JP": {
        "name": "わたしのプラグイン",
        "description": "このサーバーのモデルに、指示を添えて回答させます。",
        "valves.model.title": "モデル",
        "valves.model.description": "質問するモデルのIDです。空の場合は一覧の最初のモデルを使います。",
        "valves.instructions.title": "指示",
        "valves.instructions.description": "会話の前にモデルへ伝える内容です。",
    },
}

TEXT = {
    "en": {
        "working": "{model} is working",
        "done": "{model} answered",
        "no_model": "There is no model to ask. An administrator can connect one, or name it in the settings.",
        "failed": "{model} could not answer. Please try again in a minute; if this stays, tell your administrator.",
    },
    "ja": {
        "working": "{model} が作業しています",
        "done": "{model} が回答しました",
        "no_model": "質問できるモデルがありません。管理者がモデルを接続するか、この関数の設定で指定してください。",
        "failed": "{model} が回答できませんでした。1分後にお試しください。続く場合は管理者にお知らせください。",
    },
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


class Pipe:
    class Valves(BaseModel):
        model: str = valve("", "valves.model")
        instructions: str = valve(
            "Answer briefly, in the language of the question.",
            "valves.instructions",
            json_schema_extra={"input": {"type": "textarea"}},
        )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def pipe(
        self,
        body: Json,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __task__: str | None = None,
    ) -> Any:
        """Yield the answer in pieces. An empty answer to a title or tag request lets Open WebUI find its own."""
        valves = self.valves
        text = TEXT[user_language(__metadata__)]
        model = valves.model or first_model(__request__.app.state.MODELS)
        if __task__:
            return ""
        if not model:
            return text["no_model"]
        messages = [{"role": "system", "content": valves.instructions}, *body["messages"]]
        asked = {"model": model, "messages": messages, "stream": True}
        return told(pieces(__request__, asked, __user__["id"]), model, text, __event_emitter__)


def first_model(models: Any) -> str:
    """Return the first model that is no function; empty if there is none."""
    return next((str(id) for id, model in models.items() if not model.get("pipe")), "")


async def told(
    answer: AsyncGenerator[str, None], model: str, text: dict[str, str], emitter: Emitter | None
) -> AsyncIterator[str]:
    """Yield the answer between two status lines. Whatever happens, a stop too, the last one ends them."""
    await show(emitter, text["working"].format(model=model), done=False)
    try:
        async with aclosing(answer):
            async for piece in answer:
                yield piece
    except Exception:
        log.exception("my_plugin: %s did not answer", model)
        yield text["failed"].format(model=model)
    finally:
        await show(emitter, text["done"].format(model=model), done=True)


async def pieces(request: Any, asked: Json, user_id: str) -> AsyncGenerator[str, None]:
    """Yield the model's answer, asked with this person's rights. Raises what Open WebUI raises."""
    response = await generate_chat_completion(request, asked, await Users.get_user_by_id(user_id))
    if not isinstance(response, StreamingResponse):
        raise ValueError("an error instead of a stream")
    async with aclosing(response.body_iterator) as lines:  # type: ignore[type-var]
        async for line in lines:
            yield content_of(line.decode() if isinstance(line, bytes) else str(line))


def content_of(line: str) -> str:
    """Return the text in a line of a chat stream."""
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return ""
    choices = json.loads(data).get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or "")


async def show(emitter: Emitter | None, description: str, *, done: bool) -> None:
    if emitter:
        await emitter({"type": "status", "data": {"description": description, "done": done}})
