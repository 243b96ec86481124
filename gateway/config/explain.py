"""Describe problems that the schema found: file, line, key, what is wrong, what is allowed."""

from typing import Any, get_origin

from pydantic import BaseModel

from gateway.config.did_you_mean import did_you_mean
from gateway.config.document import Document, Key
from gateway.config.schema import Config


def explain(document: Document, error: Any) -> str:
    """Return a problem that pydantic reports as one line. Never quotes a value."""
    key: Key = tuple(part for part in error["loc"] if part != _OF_KEY)
    place = document.place(key)
    dotted = ".".join(str(part)[:_LONGEST_KEY] for part in key)
    if error["type"] == "extra_forbidden":
        return f"{place}: {dotted}: unknown key{did_you_mean(str(key[-1])[:_LONGEST_KEY], _fields_at(key[:-1]))}"
    words = error["msg"].removeprefix("Value error, ")
    variables = ", ".join(f"${{{name}}}" for name in place.variables)
    origin = f" (from {variables})" if variables else ""
    return f"{place}: {dotted}{origin}: {words[0].lower()}{words[1:]}"


_LONGEST_KEY = 80
_OF_KEY = "[key]"
"""How pydantic says that a key itself is wrong, not its value."""


def _fields_at(key: Key) -> list[str]:
    """Return the names allowed in the mapping at `key`, by walking the schema."""
    section: Any = Config
    named = False
    for part in key:
        if named:
            named = False  # a name that the file gives, in a mapping of sections
        elif isinstance(part, str) and section is not None:
            info = section.model_fields.get(part)
            named = info is not None and get_origin(info.annotation) is dict
            section = _section(info.annotation) if info else None
    return [info.alias or name for name, info in section.model_fields.items()] if section else []


def _section(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in getattr(annotation, "__args__", ()) if (found := _section(each))), None)
