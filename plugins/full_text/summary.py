"""What the person is told."""

from typing import Any

from plugins.full_text.documents import Document, Room
from plugins.shared.brief import rounded

NAMED_FILES = 6  # in the line; more are counted


def explained(document: Document, room: Room, valves: Any, text: dict[str, str]) -> str:
    limits = {"limit": f"{room.tokens or 0:,}", "pages": valves.max_pages, "megabytes": valves.max_megabytes}
    reason = text[document.reason].format(**limits)
    key = "search_sized" if document.fate == "search" and document.tokens else document.fate
    return text[key].format(name=document.name, tokens=rounded(document.tokens), reason=reason)


def whole_part(whole: list[Document], window: int, text: dict[str, str]) -> str:
    tokens = sum(document.tokens for document in whole)
    files = text["one_file" if len(whole) == 1 else "files"].format(count=len(whole))
    if not window:
        return text["whole_without_window"].format(files=files, tokens=rounded(tokens))
    percent = str(round(tokens * 100 / window) or "<1")
    return text["whole"].format(files=files, tokens=rounded(tokens), window=f"{window:,}", percent=percent)


def summary(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> str:
    """Format: 3 files, 41,200 of 128,000 tokens (32 %), whole · report.pdf (310,000) by search: too large"""
    whole = [document for document in documents if not document.reason]
    others = [document for document in documents if document.reason]
    parts = [whole_part(whole, room.window or room.tokens or 0, text)] if whole else []
    parts += [explained(document, room, valves, text) for document in others[:NAMED_FILES]]
    if len(others) > NAMED_FILES:
        parts.append(text["more"].format(count=len(others) - NAMED_FILES))
    return text["part"].join(parts)
