"""JSON that upstreams send, read with tolerance: what careless servers write is passed on, never a crash.

`members` keeps half a surrogate pair (an emoji cut in two) and `NaN`; the other functions find a member that cannot be
read absent. Errors of decoding are those of `UNREADABLE`.
"""

import json
from typing import Any

import msgspec

from gateway.wire import Members

UNREADABLE = (ValueError, RecursionError, OverflowError)
"""Errors of decoding: malformed JSON, wrong types, bad UTF-8, numbers out of range, nesting that is too deep."""
EMPTY = frozenset((b"", b"null", b'""', b"{}", b"[]", b"false"))
"""JSON values that say nothing."""
_LARGEST_ODD_BYTES = 4 * 1024 * 1024

_decode_members = msgspec.json.Decoder(Members).decode
_decode_any = msgspec.json.Decoder().decode


def members(body: bytes) -> Members:
    """Cut a JSON object into its members. Raises one of `UNREADABLE` where it is none."""
    try:
        return _decode_members(body)
    except msgspec.ValidationError:
        raise
    except UnicodeDecodeError:
        return _decode_members(body.decode("utf-8", "replace").encode())
    except msgspec.DecodeError:
        found = json.loads(body) if len(body) <= _LARGEST_ODD_BYTES else None
        if not isinstance(found, dict):
            raise
        return {_whole(name): msgspec.Raw(json.dumps(content).encode()) for name, content in found.items()}


def readable(body: bytes) -> bytes:
    """Return JSON that only `members` reads with what is wrong in it replaced. Raises one of `UNREADABLE`."""
    found = json.loads(body, parse_constant=lambda _: None) if len(body) <= _LARGEST_ODD_BYTES else None
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")


def peek(fields: Members, name: str) -> Any:
    """Return one member as Python data, or None where it is absent, null or unreadable."""
    raw = fields.get(name)
    return None if raw is None else value(raw)


def value(raw: msgspec.Raw) -> Any:
    """Return a JSON value as Python data, or None where it is absent or unreadable."""
    try:
        return _decode_any(raw)
    except UNREADABLE:
        return None


def says(raw: msgspec.Raw | None) -> bool:
    """Return whether a value is there and says anything: not null, false or empty."""
    return raw is not None and bytes(raw) not in EMPTY


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which cannot be encoded."""
    return text.encode("utf-8", "replace").decode()
