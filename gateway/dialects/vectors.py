"""Vectors on the wire: a JSON list of numbers, or base64 over 32-bit floats with the lowest byte first.

Source: platform.openai.com/docs/api-reference/embeddings, `encoding_format`.
"""

import binascii
import math
import struct
from collections.abc import Iterable
from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.errors import UpstreamUnreachable
from gateway.wire import Members

_read_floats = msgspec.json.Decoder(list[float]).decode
_read_text = msgspec.json.Decoder(str).decode
_FLOAT_BYTES = 4
_STRING = ord('"')


class Item(msgspec.Struct, frozen=True):
    """One vector of an answer."""

    embedding: msgspec.Raw = msgspec.Raw(b"null")
    index: Any = None


_read_items = msgspec.json.Decoder(list[Item]).decode


def wrong_vectors(why: str) -> UpstreamUnreachable:
    """Return the error for an answer that lacks vectors, or has some that are none."""
    return UpstreamUnreachable(f"The model's server {why}.", code="upstream_invalid_answer")


def items_of(answer: Members) -> list[Item]:
    """Return the vectors of an answer of Embeddings, by their index. Raises `UpstreamUnreachable`."""
    try:
        items = _read_items(answer.get("data", b"null"))
    except lenient.UNREADABLE:
        raise wrong_vectors("answered without a list of vectors") from None
    places = [item.index if type(item.index) is int else None for item in items]
    if places == list(range(len(items))) or not any(places):  # some servers leave it out, or always say 0
        return items
    found = dict(zip(places, items, strict=True))
    if found.keys() != set(range(len(items))):
        raise wrong_vectors("answered with vectors whose indexes do not fit")
    return [found[place] for place in range(len(items))]


def check_count(found: int, wanted: int) -> None:
    """Check that there is a vector for each input. Raises `UpstreamUnreachable`."""
    if found != wanted:
        raise wrong_vectors(f"answered with {found:,} vectors for {wanted:,} texts")


def is_base64(vector: msgspec.Raw) -> bool:
    """Return whether a vector is written as a string."""
    return memoryview(vector)[0] == _STRING


def floats(vector: msgspec.Raw) -> list[float]:
    """Return the numbers of a vector, at least one. Raises `UpstreamUnreachable`."""
    try:
        found = _from_base64(vector) if is_base64(vector) else _read_floats(vector)
    except (*lenient.UNREADABLE, struct.error):
        found = []
    if not found:
        raise wrong_vectors("answered with a vector that is none")
    return found


def as_base64(numbers: list[float]) -> bytes:
    """Return a vector as JSON text in base64. Raises `UpstreamUnreachable` where a number does not fit 32 bits."""
    try:
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
    except OverflowError:
        raise wrong_vectors("answered with a vector that has a number out of range") from None
    return b'"%s"' % binascii.b2a_base64(packed, newline=False)


def _from_base64(vector: msgspec.Raw) -> list[float]:
    packed = binascii.a2b_base64(_read_text(vector), strict_mode=True)
    numbers = list(struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed))
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is none")
    return numbers


def in_format(vector: msgspec.Raw, *, base64: bool) -> bytes:
    """Return a vector as JSON text in the wanted format; one that has it stays. Raises `UpstreamUnreachable`."""
    if is_base64(vector) is base64:
        return bytes(vector)
    return as_base64(floats(vector)) if base64 else wire.encode(floats(vector))


def data_of(vectors: Iterable[bytes]) -> msgspec.Raw:
    """Return the member `data` of an answer of Embeddings, from at least one vector as JSON text."""
    data = bytearray(b"[")  # grows in place: all vectors together may be a hundred megabytes
    for index, vector in enumerate(vectors):
        data += b'{"object":"embedding","index":%d,"embedding":' % index
        data += vector
        data += b"},"
    data[-1:] = b"]"
    return msgspec.Raw(data)
