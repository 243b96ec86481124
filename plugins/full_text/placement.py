"""Where the texts stand: with the message that brought the file, in every turn, so that prompt caches hit."""

from collections.abc import Callable
from typing import Any

from plugins.full_text.documents import Document
from plugins.full_text.messages import message_text

PLAN = "sekisho_full_text_plan"  # in __metadata__, from `inlet` to `request`: which text belongs to which message


def placement(documents: list[Document]) -> list[dict[str, Any]]:
    """Order the texts, smallest first: if the largest no longer fits, what stands before it is still the same."""
    whole = sorted((one for one in documents if not one.reason), key=lambda one: (one.tokens, one.id))
    return [{"id": one.id, "name": one.name, "place": one.place} for one in whole]


def quoted(name: str) -> str:
    return name.replace('"', "'").replace("<", "(").replace(">", ")")


def whole_texts(metadata: dict[str, Any]) -> dict[str, str]:
    """Return the texts of whole files by id: sources of exactly one text."""
    found = {}
    for source in metadata.get("sources") or []:
        documents = source.get("document") or []
        if len(documents) == 1 and str(documents[0] or "").strip():
            found[str((source.get("source") or {}).get("id"))] = str(documents[0])
    return found


def part_with(part: Any, change: Callable[[str], str]) -> Any:
    has_text = isinstance(part, dict) and isinstance(part.get("text"), str)
    return {**part, "text": change(part["text"])} if has_text else part


def replaced(message: Any, old: str, new: str) -> Any:
    """Return a copy with the text replaced; only in what the user said."""
    if not isinstance(message, dict) or message.get("role") != "user" or old not in message_text(message):
        return message
    content = message["content"]
    if isinstance(content, list):
        return {**message, "content": [part_with(part, lambda text: text.replace(old, new)) for part in content]}
    return {**message, "content": content.replace(old, new)}


def with_block(messages: list[Any], place: int, block: str) -> list[Any]:
    asked = [index for index, one in enumerate(messages) if isinstance(one, dict) and one.get("role") == "user"]
    index = asked[min(place, len(asked) - 1)]
    message = messages[index]
    if message_text(message).startswith(block):
        return messages
    content = message.get("content")
    part = {"type": "text", "text": block}
    content = [part, *content] if isinstance(content, list) else block + str(content or "")
    return [*messages[:index], {**message, "content": content}, *messages[index + 1 :]]


def placed(messages: list[Any], metadata: dict[str, Any]) -> list[Any]:
    """Move each text out of Open WebUI's sources to the question that brought it; the source points there.

    Where Open WebUI put no such source (another template, sources in the system message) nothing moves.
    May be called again: in a tool loop the messages are as they were left, or have their sources anew.
    """
    texts = whole_texts(metadata)
    blocks: dict[int, list[str]] = {}
    for planned in metadata.get(PLAN) or []:
        text, name = texts.get(planned["id"]), quoted(planned["name"])
        if text is None:
            continue
        block = f'<document name="{name}">\n{text}\n</document>\n\n'
        pointer = f'>The whole text is in <document name="{name}">.</source>'
        moved = [replaced(message, f">{text}</source>", pointer) for message in messages]
        was_there = any(pointer in message_text(one) for one in moved if isinstance(one, dict))
        if was_there:
            messages = moved
            blocks.setdefault(planned["place"], []).append(block)
    for place, texts_there in blocks.items():
        messages = with_block(messages, place, "".join(texts_there))
    return messages
