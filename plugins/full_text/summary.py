"""What the person is told: a line with what matters first, and a line for each file where a click opens them."""

from typing import Any

from plugins.full_text.documents import MISSING, Document, Room
from plugins.shared.brief import rounded

NAMED_FILES = 6  # in the line; more are counted
DETAILED_FILES = 20
NAME = 32  # characters of a name in the line


def note_text(key: str, note: dict[str, Any], text: dict[str, str]) -> str:
    named = [str(one) for one in note.get("named") or []]
    more = [text["more"].format(count=note["count"] - len(named))] if named and note["count"] > len(named) else []
    which = text["which"].format(names=text["separator"].join([*named, *more])) if named else ""
    said = text[f"note_{key}"] if note["count"] > 1 else text.get(f"note_{key}_one", text[f"note_{key}"])
    return said.format(count=note["count"], of=note["of"], which=which)


def noted(document: Document, keys: set[str], text: dict[str, str]) -> str:
    return text["and"].join(note_text(key, document.notes[key], text) for key in document.notes if key in keys)


def brief(name: str) -> str:
    """Return a name that leaves room for what became of the file, on a phone."""
    return name if len(name) <= NAME else f"{name[: NAME - 12]}…{name[-11:]}"


def explained(document: Document, room: Room, valves: Any, text: dict[str, str], name: str) -> str:
    """Return what became of a file that did not go in whole."""
    if document.in_part:
        reason = noted(document, set(MISSING), text)
        return text["in_part"].format(name=name, tokens=rounded(document.tokens), reason=reason)
    limits = {"limit": f"{room.tokens or 0:,}", "pages": valves.max_pages, "megabytes": valves.max_megabytes}
    reason = text[document.reason].format(**limits)
    key = "search_sized" if document.fate == "search" and document.tokens else document.fate
    return text[key].format(name=name, tokens=rounded(document.tokens), reason=reason)


def asides(document: Document, text: dict[str, str]) -> list[str]:
    """Return what there is to say about a file besides what became of it."""
    copies = text["copies"].format(names=text["separator"].join(document.copies[:NAMED_FILES]))
    notes = noted(document, set(document.notes) - MISSING, text)
    return [*([copies] if document.copies else []), *([notes] if notes and not document.reason else [])]


def detail(document: Document, room: Room, valves: Any, text: dict[str, str]) -> str:
    whole = text["whole_file"].format(name=document.name, tokens=rounded(document.tokens))
    told = explained(document, room, valves, text, document.name) if document.reason or document.in_part else whole
    return text["and"].join([told, *asides(document, text)])


def detailed(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> list[str]:
    """Return a line for each file, those with trouble first; none where the one line says it all."""
    if len(documents) < 2 and not any(asides(one, text) or brief(one.name) != one.name for one in documents):
        return []
    ordered = sorted(documents, key=lambda one: not (one.reason or one.in_part))
    lines = [detail(one, room, valves, text) for one in ordered[:DETAILED_FILES]]
    left = len(ordered) - DETAILED_FILES
    return [*lines, *([text["more"].format(count=left)] if left > 0 else [])]


def whole_part(whole: list[Document], window: int, text: dict[str, str]) -> str:
    tokens = sum(document.tokens for document in whole)
    files = text["one_file" if len(whole) == 1 else "files"].format(count=len(whole))
    if not window:
        return text["whole_without_window"].format(files=files, tokens=rounded(tokens))
    percent = str(round(tokens * 100 / window) or "<1")
    return text["whole"].format(files=files, tokens=rounded(tokens), window=f"{window:,}", percent=percent)


def summary(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> str:
    """Format: 2 of 3 files not whole · report.pdf (310,000) by search: too large · … · 1 file, 1,200 tokens, whole"""
    others = [document for document in documents if document.reason or document.in_part]
    whole = [document for document in documents if not (document.reason or document.in_part)]
    parts = [text["not_whole"].format(count=len(others), of=len(documents))] if len(others) > 1 else []
    parts += [explained(document, room, valves, text, brief(document.name)) for document in others[:NAMED_FILES]]
    if len(others) > NAMED_FILES:
        parts.append(text["more"].format(count=len(others) - NAMED_FILES))
    if whole:
        parts.append(whole_part(whole, room.window or room.tokens or 0, text))
        known = {key for one in whole for key in one.notes}
        parts += [text[f"aside_{key}"] for key in ("unchecked", "pictures", "charts", "formulas") if key in known]
    return text["part"].join(parts)
