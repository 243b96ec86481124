"""Which text is the better one: what this filter read, or what Open WebUI stored."""

import re
from typing import Any

COMPARED = 1_000_000  # characters
SHINGLE = 5  # characters that follow each other
SHAPED = (
    "mail",
    "outlook",
    "workbook",
    "old_workbook",
    "opendocument",
    "rich_text",
)  # Open WebUI stores them raw, or with "NaN"
BROKEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
KANA_LETTERS = re.compile("[\u3041-\u30fe]")
PAGE_MARK = re.compile(r"^\[(?:Page|Slide) \d+(?: \(hidden\))?\]$", re.MULTILINE)


def shingles(text: str) -> set[str]:
    words = re.sub(r"[\W_]+", "", PAGE_MARK.sub("", text[:COMPARED])).lower()
    return {words[at : at + SHINGLE] for at in range(max(1, len(words) - SHINGLE + 1))}


def lost(text: str, other: str) -> float:
    """Return the share of the other text that is not in this one."""
    wanted = shingles(other)
    return len(wanted - shingles(text)) / len(wanted)


def was_misread(stored: str, text: str) -> bool:
    """Return whether most signs of other scripts in a plain text are not in the stored one: a wrong encoding."""
    stored, text = stored[:COMPARED], text[:COMPARED]
    if BROKEN.search(stored):
        return not BROKEN.search(text)
    foreign = {char for char in text if ord(char) > 0x7F and char.isalnum()}
    is_other = len(foreign - set(stored)) * 2 > len(foreign)
    # Open WebUI's guess may be the right one, such as Chinese: ours is better where it has kana.
    return is_other and len(KANA_LETTERS.findall(text)) * 20 > len(text) and not KANA_LETTERS.search(stored)


def is_garbled(text: str) -> bool:
    """Return whether a text is the bytes of a program's own format, read as if they were one."""
    return len(BROKEN.findall(text[:COMPARED])) * 50 > len(text[:COMPARED])


def stored_is_better(found: dict[str, Any], stored: str, has_engine: bool) -> bool:
    """Return whether the stored text is to be sent. It is where a configured engine read pictures or was corrected."""
    text = str(found.get("text") or "")
    if not (stored and text):
        return bool(stored)
    if found.get("kind") == "text":
        return not was_misread(stored, text)
    if found.get("kind") in SHAPED and not has_engine:
        return False
    of_ours, of_theirs = lost(stored, text), lost(text, stored)
    return of_ours <= of_theirs + 0.02 if has_engine else of_theirs > max(0.01, 2 * of_ours)
