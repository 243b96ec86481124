"""Careful readers of JSON that others wrote."""

from typing import Any

from plugins.shared.types import Json

LONGEST_LABEL = 500


def dict_of(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def dicts(value: Any) -> list[Json]:
    return [item for item in items(value) if isinstance(item, dict)]


def words(value: Any) -> str:
    """Return the text of a string, of a part {"text": …}, or of a list of those."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return words(value.get("text"))
    return "".join(words(item) for item in items(value) if isinstance(item, str | dict))


def label(value: Any) -> str:
    """Return a string as one short line, empty if it is none."""
    return " ".join(value.split())[:LONGEST_LABEL] if isinstance(value, str) else ""
