"""Members as Python data, within bounds: a request that is made of millions of tiny values is refused."""

from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.errors import InvalidRequest
from gateway.wire import Members

MOST_VALUES = 1_000_000
"""Of JSON values in a member; a conversation of a million tokens has a tenth of it."""
_decode = msgspec.json.Decoder().decode


def request_data(fields: Members) -> dict[str, Any]:
    """Return a request's members. Raises `InvalidRequest` naming one that cannot be read or has too many values."""
    return {name: _data(name, raw) for name, raw in fields.items()}


def _data(name: str, raw: msgspec.Raw) -> Any:
    text = bytes(raw)
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MOST_VALUES and _values(text) > MOST_VALUES:
        raise InvalidRequest(
            f"The field '{name[:100]}' has more than {MOST_VALUES:,} values. Send a shorter conversation.",
            code="request_too_large",
            param=name[:100],
        )
    try:
        return _decode(raw)
    except (ValueError, OverflowError, RecursionError):
        raise InvalidRequest(
            f"The field '{name[:100]}' cannot be read: it is nested too deeply, or has a number that is out of range.",
            code="invalid_json",
            param=name[:100],
        ) from None


def _values(text: bytes) -> int:
    """Return how many JSON values a text has, those in strings not counted."""
    found, inside = 0, 0
    for part in text.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"'):
        if not inside:
            found += part.count(b",") + part.count(b"[") + part.count(b"{")
            if found > MOST_VALUES:
                break
        inside ^= 1
    return found


def answer_data(answer: Members) -> dict[str, Any]:
    """Return an answer's members; what cannot be read is None."""
    return {name: lenient.value(raw) for name, raw in answer.items()}


def event_data(payload: bytes) -> dict[str, Any]:
    """Return the object that an upstream's event holds; empty where it holds none, or cannot be read."""
    try:
        found = _decode(payload)
    except lenient.UNREADABLE:
        try:
            found = _decode(lenient.readable(payload))
        except lenient.UNREADABLE:
            return {}
    return found if isinstance(found, dict) else {}


def as_members(fields: dict[str, Any]) -> Members:
    """Return Python data as members."""
    return {name: msgspec.Raw(wire.encode(content)) for name, content in fields.items()}
