"""A turn of a chat, as Open WebUI hands it to a pipe, and the objects of OpenAI's chat API."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from open_webui.models.users import UserModel

from plugins.shared.declarations import TEXT
from plugins.shared.json_values import dict_of, dicts, words
from plugins.shared.language import user_language
from plugins.shared.types import Emitter, Json


@dataclass
class ChatTurn:
    """What Open WebUI passes to `Pipe.pipe`."""

    body: Json
    user: Json
    metadata: Json
    request: Any
    emitter: Emitter | None

    @property
    def in_chat(self) -> bool:
        """True if Open WebUI reads the answer, not a program that knows only OpenAI's chunks."""
        return bool(self.emitter and self.metadata.get("chat_id") and self.metadata.get("message_id"))

    @property
    def text(self) -> dict[str, str]:
        return TEXT[user_language(self.metadata, self.request)]

    @property
    def person(self) -> UserModel:
        return UserModel(**{key: value for key, value in self.user.items() if key != "valves"})

    async def emit(self, kind: str, data: Json) -> None:
        if self.in_chat and self.emitter:
            await self.emitter({"type": kind, "data": data})

    def questions(self) -> list[str]:
        """Return what the person said in this chat, the latest first."""
        messages = dicts(self.body.get("messages"))
        return [words(message.get("content")) for message in messages if message.get("role") == "user"][::-1]

    def typed_question(self) -> str:
        """Return the question as it was typed, without the documents that Open WebUI put before it."""
        return words(dict_of(self.metadata.get("user_message")).get("content")) or next(iter(self.questions()), "")


def envelope(turn: ChatTurn, kind: str) -> Json:
    about = {"id": f"chatcmpl-{uuid.uuid4()}", "object": kind}
    return {**about, "created": int(time.time()), "model": turn.body.get("model")}


def chunk_of(turn: ChatTurn, delta: Json) -> Json:
    choices = [{"index": 0, "delta": delta, "finish_reason": None}]
    return {**envelope(turn, "chat.completion.chunk"), "choices": choices}


def completion_of(turn: ChatTurn, message: Json, **more: Any) -> Json:
    """Return the answer in one piece; `more` are other top-level fields."""
    choices = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    return {**envelope(turn, "chat.completion"), "choices": choices, **more}
