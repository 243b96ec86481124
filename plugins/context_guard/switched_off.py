"""Chats in which Full text was on and does not run any more: only another filter can say so."""

from collections.abc import Iterator
from typing import Any

from open_webui.models.chats import Chats
from open_webui.models.functions import Functions
from open_webui.utils.chat_id import is_saved_chat_id

from plugins.shared.brief import short
from plugins.shared.status_line import FULL_TEXT, TOLD_FILES


def searched_files(metadata: dict[str, Any]) -> list[str]:
    """Return the names of attached files that Open WebUI only searches, each once."""
    files = [item for item in metadata.get("files") or [] if isinstance(item, dict)]
    names = [item.get("name") for item in files if item.get("type") == "file" and item.get("context") != "full"]
    return [*dict.fromkeys(short(name) for name in names if name)]


def answers_above(messages: dict[str, Any], id: Any) -> Iterator[dict[str, Any]]:
    """Yield the answers on this branch of the chat, the nearest first."""
    seen = set()
    while id in messages and id not in seen:
        seen.add(id)
        if messages[id].get("role") == "assistant":
            yield messages[id]
        id = messages[id].get("parentId")


def was_told(answer: dict[str, Any]) -> bool:
    history = answer.get("statusHistory") or []
    return any(isinstance(status, dict) and status.get("action") == FULL_TEXT for status in history)


async def is_offered(model: dict[str, Any]) -> bool:
    """Return whether the person could switch Full text on for this model."""
    function = await Functions.get_function_by_id(FULL_TEXT)
    ids = ((model.get("info") or {}).get("meta") or {}).get("filterIds") or []
    return bool(function and function.is_active and (function.is_global or FULL_TEXT in ids))


async def why_switched_off(metadata: dict[str, Any], model: dict[str, Any]) -> str:
    """Return a key of TEXT if files that went in whole before are only searched now; else an empty text.

    A model without Full text is named in every turn; a switch that the person turned off, in the first one.
    """
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if TOLD_FILES in metadata or metadata.get("tool_approval_resume") or not capabilities.get("file_context", True):
        return ""
    if not searched_files(metadata):
        return ""
    if FULL_TEXT in (metadata.get("filter_ids") or []):
        return "no_full_text"
    if not is_saved_chat_id(metadata.get("chat_id")):
        return ""
    asked = metadata.get("user_message") or {}
    messages = await Chats.get_messages_map_by_chat_id(metadata["chat_id"]) or {}
    answers = [*answers_above(messages, asked.get("parentId") or asked.get("parent_id"))]
    if not any(map(was_told, answers)):
        return ""
    if not await is_offered(model):
        return "no_full_text"
    return "full_text_off" if was_told(answers[0]) else ""
