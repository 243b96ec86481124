"""Tombstones of forgotten persons at the destination, for machines that have not shipped everything yet.

Salted hashes, no names: a machine can tell whether it knows somebody who is meant, and nobody can read who it was.
Order is a number at the destination, never a clock: what a machine has in its segments when it learns of a tombstone
is older than the tombstone, and goes out without the person. A machine confirms the highest number up to which
nothing that is older waits on it; whoever forgets somebody is told who has not confirmed.
"""

import contextlib
import secrets
import socket
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.files import write_file
from gateway.ledger.disk_quota import CLOSED, OPEN
from gateway.ledger.errors import ShippingBusy
from gateway.ledger.source import source_of
from gateway.ledger.store import Store

_PREFIX, _MACHINES = "forgotten/", "_machines/"
_KEPT_SECONDS = 400 * 86400
"""Seconds; after that, persons must be forgotten again on a machine that was away."""
_CONFIRM_SECONDS = 3600.0
"""Seconds between two confirmations of a machine that has nothing new to confirm."""


class Tombstone(msgspec.Struct, frozen=True):
    """One forgotten person. `until` (UTC microseconds) is when it was written, only for deleting old ones."""

    until: int
    salt: str
    hashes: frozenset[str]

    def meant(self, identities: Iterable[str]) -> set[str]:
        """Return who of these ids and addresses (lower case) was forgotten."""
        return {each for each in identities if _hash(self.salt, each) in self.hashes}


class Learnt(msgspec.Struct):
    """A tombstone and the segments of this machine that it applies to: those that existed when it was learnt."""

    number: int
    stone: Tombstone
    segments: set[str]
    """Stems; once shipped they go, and without any the tombstone has been applied."""


class State(msgspec.Struct):
    """State of a machine, in `ledger/tombstones.json`."""

    learnt: dict[str, Learnt] = {}
    """Learnt tombstones by their name at the destination."""
    confirmed: int = msgspec.field(default=-1, name="told")
    """Number that was confirmed last."""
    confirmed_at: float = msgspec.field(default=0.0, name="told_at")


class Machine(msgspec.Struct):
    """A machine's confirmation at the destination."""

    source: str
    host: str
    applied: int
    """The highest number up to which no segment of it waits that a tombstone holds for."""
    at: float

    @property
    def name(self) -> str:
        """Return the machine's name for people."""
        return f"{self.host} ({self.source})"


class Tombstones:
    """The tombstones of a destination as one machine knows them. Methods that use the store raise `StoreError`."""

    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._file = data_dir / "ledger" / "tombstones.json"
        self._segments = data_dir / "ledger" / "segments"
        self._source = source_of(data_dir)
        self._state = self._load()

    def learn(self) -> list[Tombstone]:
        """Read new tombstones; return them. They apply to all records that are in segments by now."""
        numbers = _numbers(self._store)
        here = {path.stem for path in self._segments.glob("*") if path.suffix in (OPEN, CLOSED)}
        learnt, new = self._state.learnt, []
        for name in numbers.keys() - learnt.keys():
            if content := self._store.get(name):
                stone = msgspec.json.decode(content, type=Tombstone)
                learnt[name] = Learnt(numbers[name], stone, set(here))
                new.append(stone)
        for name, each in list(learnt.items()):
            each.segments &= here
            if name not in numbers and not each.segments:
                del learnt[name]
        self._save()
        return new

    def of(self, stems: Iterable[str]) -> list[tuple[Tombstone, set[str]]]:
        """Return the tombstones that hold for any of these segments, and for which, in their order."""
        asked = set(stems)
        held = sorted(self._state.learnt.values(), key=lambda each: each.number)
        return [(each.stone, each.segments & asked) for each in held if each.segments & asked]

    def leave(self, persons: Iterable[str]) -> int:
        """Leave a tombstone under the next number, and learn it. One machine at a time. Raises `ShippingBusy`."""
        salt, now = secrets.token_hex(16), time.time()
        stone = Tombstone(round(now * 10**6), salt, frozenset(_hash(salt, each) for each in persons))
        numbers = _numbers(self._store)
        number = max(numbers.values(), default=0) + 1
        if not self._store.create(f"{_PREFIX}{number:012d}-{salt}.json", msgspec.json.encode(stone)):
            raise ShippingBusy
        self.learn()
        oldest = round((now - _KEPT_SECONDS) * 10**6)
        self._store.delete([name for name, each in self._state.learnt.items() if each.stone.until < oldest])
        return number

    def confirm(self) -> None:
        """Write this machine's confirmation, if it is new or was written long ago."""
        applied, state = self._applied(), self._state
        if applied == state.confirmed and 0 <= time.time() - state.confirmed_at < _CONFIRM_SECONDS:
            return
        machine = Machine(self._source, socket.gethostname(), applied, time.time())
        self._store.put(f"{_MACHINES}{self._source}.json", msgspec.json.encode(machine))
        self._store.settle()
        state.confirmed, state.confirmed_at = applied, machine.at
        self._save()

    def unconfirmed(self) -> list[Tombstone]:
        """Return those that this machine has not confirmed yet."""
        return [each.stone for each in self._state.learnt.values() if each.number > self._state.confirmed]

    def waiting_for(self, number: int) -> list[Machine]:
        """Return the other machines that may still have somebody who was forgotten under this number."""
        machines = [machine for machine in _machines(self._store) if machine.source != self._source]
        return sorted((each for each in machines if each.applied < number), key=lambda each: each.name)

    def _applied(self) -> int:
        waiting = [each.number for each in self._state.learnt.values() if each.segments]
        return min(waiting) - 1 if waiting else max((each.number for each in self._state.learnt.values()), default=0)

    def _load(self) -> State:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._file.read_bytes(), type=State)
        return State()

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_file(self._file, msgspec.json.encode(self._state))


def _machines(store: Store) -> list[Machine]:
    machines = []
    for item in list(store.list(_MACHINES)):
        if content := store.get(item.path):
            with contextlib.suppress(msgspec.DecodeError):
                machines.append(msgspec.json.decode(content, type=Machine))
    return machines


def _numbers(store: Store) -> dict[str, int]:
    """Return numbers by name. Older versions used Unix seconds: numbers too, and smaller than any new."""
    names = [item.path for item in store.list(_PREFIX)]
    heads = {name: name.removeprefix(_PREFIX).partition("-")[0] for name in names}
    return {name: int(head) for name, head in heads.items() if head.isdecimal()}


def _hash(salt: str, identity: str) -> str:
    return sha256(f"{salt}:{identity}".encode()).hexdigest()
