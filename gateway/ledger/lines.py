"""A record as a line: JSON whose last member is the CRC-32 of the bytes before it.

DuckDB, jq and people read the lines as they are; a torn or damaged one is known by its sum.
"""

from typing import Any
from zlib import crc32

import msgspec

from gateway.ledger.record import Record

_SUM = b',"crc":"%08x"}\n'
_SUM_LENGTH = len(_SUM % 0)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Record)}


def to_line(record: Record) -> bytes:
    """Return a record as a line, with its line feed."""
    try:
        body = _encode(record)[:-1]
    except UnicodeEncodeError:  # half a surrogate pair in a text
        body = _encode(_encodable(record))[:-1]
    return body + _SUM % crc32(body)


def _encodable(record: Record) -> Record:
    """Return a record whose texts can be encoded: half a surrogate pair becomes `?`."""
    fields = msgspec.structs.asdict(record)
    texts = {name: text for name, text in fields.items() if isinstance(text, str)}
    return msgspec.structs.replace(
        record, **{name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}
    )


def from_line(line: bytes) -> Record | None:
    """Return the record of a line, or None if the line is torn or damaged."""
    body, ending = line[:-_SUM_LENGTH], line[-_SUM_LENGTH:]
    if not body or ending != _SUM % crc32(body):
        return None
    try:
        return _decode(body + b"}")
    except msgspec.DecodeError:
        return _mended(body + b"}")


def is_whole(line: bytes) -> bool:
    """Return whether a line (without its line feed) has the right checksum."""
    body, ending = line[: 1 - _SUM_LENGTH], line[1 - _SUM_LENGTH :]
    return bool(body) and ending + b"\n" == _SUM % crc32(body)


def _mended(body: bytes) -> Record | None:
    """Return a record without its values that are out of bounds."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
        sound = {name: value for name, value in found.items() if name in _TYPES and _is_sound(value, _TYPES[name])}
        return msgspec.convert({"started_at": 0, **sound}, Record)
    except msgspec.DecodeError:
        return None


def _is_sound(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
