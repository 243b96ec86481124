"""Values in what upstreams send; what is not of the expected type is empty."""

from typing import Any

from gateway.wire import encode

Fields = dict[str, Any]


def str_of(fields: Fields, name: str) -> str:
    """Return a string; empty where something else stands there."""
    found = fields.get(name)
    return found if isinstance(found, str) else ""


def object_of(fields: Fields, name: str) -> Fields:
    """Return an object; empty where something else stands there."""
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def content_of(message: Fields) -> str | list[Any] | None:
    """Return the content of a message: text or an array of chunks. JSON of another kind, as Cloudflare sends it where
    it was asked for, is its own text.
    """
    content = message.get("content")
    return content if isinstance(content, str | list | None) else encode(content).decode()


def objects_of(fields: Fields, name: str) -> list[Fields]:
    """Return the objects of an array; none where something else stands there."""
    found = fields.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def first_object(found: Any) -> Fields:
    """Return the first object of an array; empty where there is none."""
    return next((each for each in found if isinstance(each, dict)), {}) if isinstance(found, list) else {}
