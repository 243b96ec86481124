"""What hubs say to each other. Sealed: nobody else who reaches the store can read it, or say it."""

import os
import time
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.identity.hashing import keyed_hash

_NONCE_BYTES = 12
_OLDEST_SECONDS = 60.0
"""A message that took longer, or whose sender's clock is so far off, is not heard."""

Headers = list[tuple[bytes, bytes]]


class Changed(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Lists of a server changed."""

    server: str
    kinds: tuple[str, ...]


class Updated(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A resource changed that somebody follows; `uri` is the server's own."""

    server: str
    principal: str
    uri: str


class Accepted(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Definitions of a server's tools were accepted: their hashes by name."""

    server: str
    hashes: dict[str, str]


class Asked(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A request that the one who hears this must serve."""

    id: str
    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Headers
    client: tuple[str, int] | None
    body: bytes


class Began(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The head of an answer."""

    id: str
    status: int
    headers: Headers


class Part(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A piece of an answer's body; `last` ends it. Not `whole`: it broke off."""

    id: str
    body: bytes
    last: bool = False
    whole: bool = True


class Left(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The client of a request has left."""

    id: str


class Waits(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Somebody waits for answers to these requests, and wants to know whether the other is still there."""

    ids: tuple[str, ...]


class Lives(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The answer to `Waits`: the requests that are still served."""

    ids: tuple[str, ...]


Message = Changed | Updated | Accepted | Asked | Began | Part | Left | Waits | Lives


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """A message with its sender and when it was sent, Unix seconds."""

    sender: str
    sent_at: float
    message: Message


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Letter).decode


class Seal:
    """Seals letters for one channel, and opens them. Gateways with another secret cannot."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(keyed_hash(secret, "mcp machines"))

    def closed(self, sender: str, channel: str, message: Message) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, _encode(Letter(sender, time.time(), message)), channel.encode())

    def opened(self, channel: str, sealed: bytes) -> Letter | None:
        """Return a letter; None for what is no letter of this gateway, or too old."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], channel.encode())
            letter = _decode(plain)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return None
        return letter if abs(time.time() - letter.sent_at) < _OLDEST_SECONDS else None
