"""Messages of a request."""

from typing import Any


def questions(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in body.get("messages") or [] if isinstance(one, dict) and one.get("role") == "user"]


def message_text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
