"""How much of a request a model reads."""

import json
from collections.abc import Iterator
from typing import Any

from plugins.shared.tokens import count_tokens

IMAGE_TOKENS = 1000  # what the large vendors charge for a picture of usual size
MESSAGE_TOKENS = 4  # roles and separators


def share(tokens: int, room: int) -> int:
    """Return the percentage of the room, rounded up; a room of nothing is always over-full."""
    return -(-tokens * 100 // room) if room > 0 else 1000


def pictures_in(message: dict[str, Any]) -> int:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return sum(part.get("type") == "image_url" for part in parts if isinstance(part, dict))


def written(message: dict[str, Any]) -> Iterator[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    yield from (str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text"))
    yield from (str(message[key]) for key in ("reasoning_content", "name") if message.get(key))
    for call in message.get("tool_calls") or []:
        yield json.dumps(call.get("function") or {}, ensure_ascii=False)


def measured(body: dict[str, Any]) -> tuple[int, int]:
    """Return the tokens of everything written in the request, and the number of its pictures."""
    messages = [message for message in body.get("messages") or [] if isinstance(message, dict)]
    texts = [text for message in messages for text in written(message)]
    if body.get("tools"):
        texts.append(json.dumps(body["tools"], ensure_ascii=False))
    return sum(map(count_tokens, texts)) + MESSAGE_TOKENS * len(messages), sum(map(pictures_in, messages))
