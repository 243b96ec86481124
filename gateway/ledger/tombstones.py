"""Word of who was forgotten, at the destination, for machines that have not shipped everything yet.

Salted hashes, no names: a machine can tell whether it knows somebody who is meant, and nobody can read who it was.
"""

import secrets
import time
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from gateway.ledger.store import Store

_PREFIX = "forgotten/"
_KEPT_SECONDS = 400 * 86400
"""A machine that was away for longer has to be told again."""


class Tombstone(msgspec.Struct, frozen=True):
    """`until`: UTC microseconds; what began later belongs to somebody who came back."""

    until: int
    salt: str
    hashes: frozenset[str]

    def meant(self, identities: Iterable[str]) -> set[str]:
        """Who of these ids and addresses (lower case) was forgotten."""
        return {each for each in identities if _hash(self.salt, each) in self.hashes}


def leave(store: Store, persons: Iterable[str]) -> None:
    """Raises `StoreError`."""
    salt, now = secrets.token_hex(16), time.time()
    stone = Tombstone(round(now * 10**6), salt, frozenset(_hash(salt, each) for each in persons))
    store.put(f"{_PREFIX}{int(now)}-{salt}.json", msgspec.json.encode(stone))
    store.settle()
    store.delete([path for path in _paths(store) if _age(path, now) > _KEPT_SECONDS])


def standing(store: Store) -> list[Tombstone]:
    """All of them, oldest first. Raises `StoreError`."""
    contents = (store.get(path) for path in _paths(store))
    return [msgspec.json.decode(content, type=Tombstone) for content in contents if content]


def _paths(store: Store) -> list[str]:
    return sorted(item.path for item in store.list(_PREFIX))


def _age(path: str, now: float) -> float:
    written = path.removeprefix(_PREFIX).partition("-")[0]
    return now - int(written) if written.isdigit() else 0


def _hash(salt: str, identity: str) -> str:
    return sha256(f"{salt}:{identity}".encode()).hexdigest()
