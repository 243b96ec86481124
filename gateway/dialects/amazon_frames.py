"""Amazon's event streams, cut into server-sent events, so that whatever reads those reads these.

Source: smithy.io/2.0/aws/amazon-eventstream.html. A frame is: its length, the length of its headers, a checksum of
both, headers, payload, a checksum of all. botocore's reader takes 60 µs for a frame, as long as all else of one does.
"""

import base64
import binascii
import struct
from zlib import crc32

import msgspec

from gateway import lenient, wire
from gateway.dialects.framing import MAX_EVENT_BYTES, FrameTooLong, Framing

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LEAST_BYTES = _PRELUDE.size + _CHECKSUM.size
_MOST_KNOWN = 64
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; those of types 6 and 7 begin with their length."""
_TYPES = {
    "throttlingexception": "rate_limit_error",
    "modelnotreadyexception": "rate_limit_error",
    "servicequotaexceededexception": "rate_limit_error",
    "validationexception": "invalid_request_error",
    "serviceunavailableexception": "overloaded_error",
    "modeltimeoutexception": "timeout_error",
}
"""The types that clients of Messages know, by Amazon's names of exceptions."""


class _Head(msgspec.Struct, frozen=True):
    """What the headers of a frame say."""

    kind: str
    """`event`, `exception` or `error`."""
    name: str
    words: str


class _Chunk(msgspec.Struct, gc=False):
    bytes: str


class _Named(msgspec.Struct, gc=False):
    type: str = ""


class _Broken(Exception):
    """A frame is none."""


_chunk = msgspec.json.Decoder(_Chunk).decode
_named = msgspec.json.Decoder(_Named).decode


class AmazonEventReader:
    """Collects one stream's bytes and gives back its events, in the form of server-sent ones.

    What an invoked model wrote is taken out of its base64. An exception is an event `error`; so is a frame whose
    checksum is wrong, and nothing is read after it.
    """

    def __init__(self) -> None:
        self._part = bytearray()
        self._wanted = _LEAST_BYTES
        """Bytes without which the next frame is not complete."""
        self._heads: dict[bytes, _Head] = {}
        self._over = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that are complete now. Raises `FrameTooLong`."""
        if self._over:
            return []
        self._part += data
        events: list[bytes] = []
        at = 0
        try:
            while len(self._part) - at >= self._wanted:
                length, head = self._measured(at)
                if len(self._part) - at < length:
                    self._wanted = length
                    break
                events.append(self._event(bytes(self._part[at : at + length]), head))
                at, self._wanted = at + length, _LEAST_BYTES
        except _Broken:
            self._over = True
            return [*events, _error("modelStreamErrorException", "The stream of the answer is damaged.")]
        del self._part[:at]
        return events

    def end(self) -> list[bytes]:
        """Return nothing: a frame that is not complete says nothing."""
        return []

    def _measured(self, at: int) -> tuple[int, int]:
        """Return the lengths of a frame and of its headers."""
        length, head, checksum = _PRELUDE.unpack_from(self._part, at)
        if crc32(self._part[at : at + 8]) != checksum or length < _LEAST_BYTES + head:
            raise _Broken
        if length > MAX_EVENT_BYTES:
            raise FrameTooLong
        return length, head

    def _event(self, frame: bytes, length: int) -> bytes:
        if crc32(frame[:-4]) != _CHECKSUM.unpack_from(frame, len(frame) - 4)[0]:
            raise _Broken
        begin = _PRELUDE.size + length
        head, payload = self._head(frame[_PRELUDE.size : begin]), frame[begin:-4]
        if head.kind in ("exception", "error"):
            return _error(head.name, head.words or _words(payload))
        if head.name == "chunk":
            return _invoked(payload)
        return _written(head.name.encode(), payload)

    def _head(self, block: bytes) -> _Head:
        """Return what headers say; nearly all frames of a stream have the same ones."""
        found = self._heads.get(block)
        if found is None:
            found = _read_head(block)
            if len(self._heads) < _MOST_KNOWN:
                self._heads[block] = found
        return found


def _read_head(block: bytes) -> _Head:
    """Read headers. Raises `_Broken`."""
    try:
        found = _headers(block)
    except (IndexError, KeyError, ValueError, struct.error):
        raise _Broken from None
    kind = found.get(":message-type", "event")
    named = {"exception": ":exception-type", "error": ":error-code"}.get(kind, ":event-type")
    name = found.get(named, "")
    return _Head(kind, name if name.isascii() and name.isalnum() else "", found.get(":error-message", ""))


def _headers(block: bytes) -> dict[str, str]:
    """Return the headers that are texts."""
    found: dict[str, str] = {}
    at = 0
    while at < len(block):
        name = block[at + 1 : at + 1 + block[at]].decode()
        at += 1 + block[at]
        kind = block[at]
        size, at = (int.from_bytes(block[at + 1 : at + 3]), at + 3) if kind in (6, 7) else (_SIZES[kind], at + 1)
        if at + size > len(block):
            raise ValueError
        if kind == 7:
            found[name] = block[at : at + size].decode()
        at += size
    return found


def _invoked(payload: bytes) -> bytes:
    """Return the event of a model's own wire that is in the base64 of a chunk."""
    try:
        inner = base64.b64decode(_chunk(payload).bytes)
    except (*lenient.UNREADABLE, binascii.Error):
        return _written(b"", payload)
    return _written(_name_of(inner), inner)


def _name_of(event: bytes) -> bytes:
    try:
        name = _named(event).type
    except lenient.UNREADABLE:
        return b""
    return name.encode() if name.isascii() and name.isidentifier() else b""


def _written(name: bytes, payload: bytes) -> bytes:
    """Return a server-sent event. Line ends in JSON are space between its tokens."""
    if b"\n" in payload or b"\r" in payload:
        payload = payload.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"event: %s\ndata: %s\n\n" % (name, payload) if name else b"data: %s\n\n" % payload


def _words(payload: bytes) -> str:
    """Return what an exception says to people."""
    try:
        found = msgspec.json.decode(payload)
    except lenient.UNREADABLE:
        return ""
    words = (found.get("message") or found.get("Message")) if isinstance(found, dict) else None
    return words if isinstance(words, str) else ""


def _error(name: str, words: str) -> bytes:
    """Return an exception as the error event of Messages, which names its type, with Amazon's name as its code."""
    kind = _TYPES.get(name.lower(), "api_error")
    error = {"type": kind, "code": name, "message": words or "The model's server failed."}
    return _written(b"error", wire.encode({"type": "error", "error": error}))


AMAZON_EVENT_STREAM = Framing("application/vnd.amazon.eventstream", AmazonEventReader)
