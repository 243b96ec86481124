"""A row of the chain: how it is made, hashed and sealed, and what is wrong with one."""

import hmac
import secrets
import time
from hashlib import sha256
from typing import Any

import msgspec

PARTS = ("actor", "object", "before", "after")
LARGEST_ROW = 128 * 1024
"""Bytes of a line at most."""
_LARGEST_VALUE = 16 * 1024
_START_KEPT = 4096
GENESIS = "0" * 64


class Part(msgspec.Struct):
    """A value with its salt. A row has a digest, but no part, where a person was forgotten."""

    salt: str
    value: msgspec.Raw


class Row(msgspec.Struct):
    """One change. `at` is in UTC microseconds; `key` names the sealing key; hashes are hexadecimal SHA-256."""

    chain: str
    n: int
    at: int
    action: str
    digests: dict[str, str]
    previous: str
    hash: str
    seal: str
    key: str
    parts: dict[str, Part]

    def value(self, name: str) -> Any:
        """Return a part as plain data; None where the row has none, or a person was forgotten."""
        part = self.parts.get(name)
        return msgspec.json.decode(part.value) if part else None

    @property
    def forgotten(self) -> list[str]:
        """Return the names of the parts that were taken out."""
        return [name for name in self.digests if name not in self.parts]

    def shown(self) -> dict[str, Any]:
        """Return the row for people and programs, without salts and seals."""
        values = {name: self.value(name) for name in PARTS}
        return {
            "chain": self.chain,
            "n": self.n,
            "at": self.at,
            "action": self.action,
            **values,
            "forgotten": self.forgotten,
            "hash": self.hash,
        }


class Sealer:
    """Seals with a key that follows from the secret of the keys."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"sekisho audit", "sha256")
        self.name = sha256(self._key).hexdigest()[:8]

    def seal(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()

    def hide(self, value: str) -> str:
        """Return a secret as a keyed hash, to see that it changed."""
        return f"secret:{self.seal(f'value:{value}')[:16]}"

    def holds(self, text: str, seal: str) -> bool:
        return hmac.compare_digest(self.seal(text), seal)


def made(chain: str, n: int, previous: str, action: str, values: dict[str, Any], sealer: Sealer) -> Row:
    """Return a new row; parts that are None are left out."""
    parts = {name: _part(value) for name, value in values.items() if value is not None}
    digests = {name: digest(part) for name, part in parts.items()}
    row = Row(chain, n, time.time_ns() // 1000, action, digests, previous, "", "", sealer.name, parts)
    row.hash = hash_of(row)
    row.seal = sealer.seal(row.hash)
    return row


def hash_of(row: Row) -> str:
    """Return the hash over everything but the parts, which are in it by their digests."""
    digests = [[name, row.digests[name]] for name in sorted(row.digests)]
    covered = [row.chain, row.n, row.at, row.action, digests, row.previous, row.key]
    return sha256(msgspec.json.encode(covered)).hexdigest()


def digest(part: Part) -> str:
    """Return the salted hash of a part's value."""
    return sha256(f"{part.salt}:".encode() + bytes(part.value)).hexdigest()


def problem(row: Row, sealer: Sealer) -> str | None:
    """Return what is wrong with a row by itself, or None."""
    if row.hash != hash_of(row):
        return "was changed (its hash does not hold)"
    if row.key == sealer.name and not sealer.holds(row.hash, row.seal):
        return "was changed (its seal does not hold)"
    for name, part in row.parts.items():
        if name not in row.digests or digest(part) != row.digests[name]:
            return f"was changed ('{name}' is not what was written)"
    return None


def to_line(row: Row) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def from_line(line: bytes) -> Row | None:
    """Return the row of a line, or None where it is none."""
    try:
        return msgspec.json.decode(line, type=Row)
    except (msgspec.DecodeError, RecursionError):
        return None


def _part(value: Any) -> Part:
    return Part(secrets.token_hex(16), msgspec.Raw(_encoded(value)))


def _encoded(value: Any) -> bytes:
    """Return a value as JSON; the beginning of one that is too long; half a surrogate pair becomes `?`."""
    try:
        content = msgspec.json.encode(value)
    except UnicodeEncodeError:
        content = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    if len(content) <= _LARGEST_VALUE:
        return content
    start = content[:_START_KEPT].decode(errors="ignore")
    return msgspec.json.encode({"cut": True, "bytes": len(content), "start": start})


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(each) for name, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list) else value
