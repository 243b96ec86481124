"""JSON objects whose members stay bytes until someone needs them.

One pass checks the whole document and cuts it into members; what nobody touches goes out
again byte for byte: number formats, key order and unknown fields survive.
"""

import json
from typing import Any

import msgspec

from gateway.errors import InvalidRequest

Members = dict[str, msgspec.Raw]
"""The top level of a JSON object; values are untouched JSON text."""

_decode_members = msgspec.json.Decoder(Members).decode
_decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode

UNREADABLE = (ValueError, RecursionError)
"""Errors of decoding: malformed JSON, wrong types, bad UTF-8, numbers out of range, nesting that is too deep."""
_LARGEST_ODD_BYTES = 4 * 1024 * 1024

_TYPE_NAMES = {str: "a string", bool: "true or false", list: "an array", dict: "an object", int: "a number"}
_KINDS: dict[int, type | None] = {
    ord('"'): str,
    ord("["): list,
    ord("{"): dict,
    ord("t"): bool,
    ord("f"): bool,
    ord("n"): None,
}


def members(body: bytes) -> Members:
    """Cut a JSON object into its members. Raises `msgspec.DecodeError` where it is not one."""
    return _decode_members(body)


def answer_members(body: bytes) -> Members:
    """Cut the JSON object of an upstream's answer into its members. Raises one of `UNREADABLE` where it is none.

    Unlike `members` it keeps what careless servers send: half a surrogate pair (an emoji cut in two), `NaN`.
    """
    try:
        return _decode_members(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        found = json.loads(body) if len(body) <= _LARGEST_ODD_BYTES else None
        if not isinstance(found, dict):
            raise
        return {_whole(name): msgspec.Raw(json.dumps(content).encode()) for name, content in found.items()}


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which cannot be encoded."""
    return text.encode("utf-8", "replace").decode()


def peek(fields: Members, name: str) -> Any:
    """Return one member of an upstream's answer as Python data, or None where it is absent, null or unreadable."""
    raw = fields.get(name)
    try:
        return None if raw is None else _decode_any(raw)
    except UNREADABLE:
        return None


def request_members(body: bytes) -> Members:
    """`members` of a request body. Raises `InvalidRequest` that says what is wrong with it."""
    if not body:
        raise InvalidRequest("The request has no body; send a JSON object.", code="invalid_json")
    try:
        return members(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The request body is not JSON: {error}.", code="invalid_json") from error


def value(fields: Members, name: str) -> Any:
    """One member as Python data, or None where it is absent or null."""
    raw = fields.get(name)
    return None if raw is None else _decode_any(raw)


def kind(fields: Members, name: str) -> type | None:
    """The JSON type of a member, read from its first byte; None where it is absent or null."""
    raw = fields.get(name)
    return None if raw is None else _KINDS.get(memoryview(raw)[0], int)


def require(fields: Members, name: str, *allowed: type) -> None:
    """Check that a member is there, of an allowed type and not empty. Raises `InvalidRequest` naming it."""
    wanted = " or ".join(_TYPE_NAMES[each] for each in allowed)
    found = kind(fields, name)
    if found is None:
        raise InvalidRequest(f"The field '{name}' is missing; it must be {wanted}.", code="missing_field", param=name)
    if found not in allowed:
        raise InvalidRequest(f"The field '{name}' must be {wanted}.", code="invalid_type", param=name)
    if _is_empty(memoryview(fields[name])):
        raise InvalidRequest(f"The field '{name}' is empty; it must not be.", code="invalid_value", param=name)


def _is_empty(raw: memoryview) -> bool:
    """`[]`, `""` and `{}`, with or without space in them."""
    return len(raw) < 64 and raw[0] in b'[{"' and not raw[1:-1].tobytes().strip()


def flag(fields: Members, name: str) -> bool:
    """A true-or-false member; absent and null are false. Raises `InvalidRequest` naming it."""
    if kind(fields, name) not in (None, bool):
        raise InvalidRequest(f"The field '{name}' must be true or false.", code="invalid_type", param=name)
    return bool(value(fields, name))


def put(fields: Members, name: str, content: Any) -> None:
    """Set one member to Python data."""
    fields[name] = msgspec.Raw(encode(content))
