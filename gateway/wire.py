"""JSON objects whose members stay bytes until someone needs them.

One pass checks the whole document and cuts it into members; what nobody touches goes out
again byte for byte: number formats, key order and unknown fields survive.
"""

import codecs
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from gateway.errors import InvalidRequest

Members = dict[str, msgspec.Raw]
"""The top level of a JSON object; values are untouched JSON text."""

LARGE_BYTES = 1024 * 1024
"""Longer texts are worked on in pieces, or by a sample, so that the event loop is never held."""
MOST_MEMBERS = 1000
"""Of a JSON object whose members are cut apart."""
LONGEST_VALUE_BYTES = LARGE_BYTES
"""A member that is longer is never turned into Python data."""
_LONGEST_NAME = 256
_SHORT_BYTES = 64 * 1024
"""A text of this length cannot have so many members that counting them is worth it."""

_decode_members = msgspec.json.Decoder(Members).decode
_decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


class _Name(str):
    """The name of a member that was counted."""

    __slots__ = ()


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
    """Cut a JSON object into its members. Raises `msgspec.DecodeError` where it is not one, or cannot be read."""
    try:
        return _decode_members(body) if len(body) <= _SHORT_BYTES else _counted_members(body)
    except msgspec.DecodeError:
        raise
    except (ValueError, OverflowError, RecursionError) as error:  # bytes that are no UTF-8, numbers, nesting
        raise msgspec.DecodeError(_fault(error)) from None


def _counted_members(body: bytes) -> Members:
    """Cut a long object, and stop at its `MOST_MEMBERS`th member: a dictionary of millions takes seconds."""
    found = 0

    def count(_: type, name: object) -> object:
        nonlocal found
        found += 1
        if found > MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS:,} members")
        if len(str(name)) > _LONGEST_NAME:
            raise ValueError(f"it has a member whose name is longer than {_LONGEST_NAME} characters")
        return _Name(name)

    cut: Members = msgspec.json.decode(body, type=dict[_Name, msgspec.Raw], dec_hook=count)
    return cut


def _fault(error: Exception) -> str:
    """Return why JSON cannot be read, in words."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) if isinstance(error, msgspec.DecodeError) else "it has a number that is out of range"


def request_members(body: bytes) -> Members:
    """Return the `members` of a request body. Raises `InvalidRequest` that says what is wrong with it."""
    if not body:
        raise InvalidRequest("The request has no body; send a JSON object.", code="invalid_json")
    if len(body) <= LARGE_BYTES and not is_utf8(body):  # longer ones were looked at in pieces
        raise not_utf8()
    try:
        return members(body)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]  # what `count` says, or msgspec's own words
        wrong = "must be a JSON object" if reason.startswith("Expected") else f"cannot be read: {reason}"
        raise InvalidRequest(f"The request body {wrong}.", code="invalid_json") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The request body is not JSON: {error}.", code="invalid_json") from error


def is_utf8(body: bytes) -> bool:
    """Return whether bytes are UTF-8. Members are cut without a look into their texts."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


async def check_utf8(body: bytes, pause: Callable[[], Awaitable[None]]) -> None:
    """Check a long body piece by piece, with `pause` between. Raises `InvalidRequest`."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        for start in range(0, len(body), LARGE_BYTES):
            decode(body[start : start + LARGE_BYTES], start + LARGE_BYTES >= len(body))
            await pause()
    except UnicodeDecodeError:
        raise not_utf8() from None


def not_utf8() -> InvalidRequest:
    return InvalidRequest("The request body is not JSON: it is not UTF-8.", code="invalid_json")


def value(fields: Members, name: str) -> Any:
    """Return one member as Python data, or None where it is absent or null.

    Raises `msgspec.DecodeError` where it is longer than `LONGEST_VALUE_BYTES` or cannot be read.
    """
    raw = fields.get(name)
    if raw is None:
        return None
    if len(raw) > LONGEST_VALUE_BYTES:
        raise msgspec.DecodeError(f"the field '{name}' is longer than {LONGEST_VALUE_BYTES:,} bytes")
    try:
        return _decode_any(raw)
    except (ValueError, OverflowError, RecursionError) as error:
        raise msgspec.DecodeError(f"the field '{name}' has something that cannot be read ({_fault(error)})") from None


def data(member: Any) -> Any:
    """Return a member as Python data, which it may be already; None where it cannot be read."""
    if not isinstance(member, msgspec.Raw):
        return member
    try:
        return value({"": member}, "")
    except msgspec.DecodeError:
        return None


def kind(fields: Members, name: str) -> type | None:
    """Return the JSON type of a member, read from its first byte; None where it is absent or null."""
    raw = fields.get(name)
    return None if raw is None else _KINDS.get(memoryview(raw)[0], int)


def holds_numbers(raw: msgspec.Raw) -> bool:
    """Return whether a JSON array can hold nothing but numbers: it has no quote and no bracket but its own."""
    text = bytes(raw)
    return text.find(b'"') < 0 and text.find(b"[", 1) < 0


class _Item:
    """Any item of a list that is counted."""


def count_items(raw: msgspec.Raw, most: int, name: str) -> int:
    """Return the number of items of a JSON array. Raises `InvalidRequest` beyond `most`, without reading on."""
    found = 0
    item = _Item()

    def count(_: type, __: object) -> object:
        nonlocal found
        found += 1
        if found > most:
            raise ValueError
        return item

    try:
        msgspec.json.decode(raw, type=list[_Item], dec_hook=count)
    except (ValueError, RecursionError):
        if found <= most:
            raise InvalidRequest(f"The field '{name}' cannot be read.", param=name) from None
        raise InvalidRequest(f"The field '{name}' has more than {most:,} items; send fewer.", param=name) from None
    return found


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
    """Return whether a value is `[]`, `""` or `{}`, with or without space in it."""
    return len(raw) < 64 and raw[0] in b'[{"' and not raw[1:-1].tobytes().strip()


def flag(fields: Members, name: str) -> bool:
    """Return a true-or-false member; absent and null are false. Raises `InvalidRequest` naming it."""
    if kind(fields, name) not in (None, bool):
        raise InvalidRequest(f"The field '{name}' must be true or false.", code="invalid_type", param=name)
    return bool(value(fields, name))


def form_flag(fields: Members, name: str) -> bool:
    """Return a true-or-false text of a form; absent and empty are false. Raises `InvalidRequest` naming it."""
    found = value(fields, name)
    text = found.lower() if isinstance(found, str) else found
    if text not in (None, "", "true", "false", "1", "0"):
        raise InvalidRequest(f"The field '{name}' must be true or false.", code="invalid_type", param=name)
    return text in ("true", "1")


def put(fields: Members, name: str, content: Any) -> None:
    """Set one member to Python data."""
    fields[name] = msgspec.Raw(encode(content))
