"""Spending on disk: the checkpoint of the limits, and the sums of shipped segments."""

import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.files import write_file
from gateway.identity.scopes import normal, scopes
from gateway.spending.days import DAYS_KEPT, LARGEST_SUM, day_of

_VERSION = 1
_COUNTED, _SHIPPED, _FORGOTTEN = "spending.json", "spending-shipped.json", "forgotten.json"
_OTHERS = "spending-others.json"

Spent = tuple[int, str | None, str | None, str | None, str | None, int]
"""Day since 1970, key id, team, e-mail, user id, nano-USD."""


class Checkpoint(msgspec.Struct):
    """Sums, and the number of bytes of each segment that they include."""

    version: int = _VERSION
    read: dict[str, int] = {}
    """Bytes read by the segment's stem, which stays when it is closed."""
    days: dict[int, dict[str, int]] = {}
    """Day since 1970 → scope → nano-USD."""
    processes: int = 1
    """Number of gateway processes, in the checkpoint of others' spending."""

    def __bool__(self) -> bool:
        return bool(self.read or self.days)


def load_checkpoint(data_dir: Path) -> Checkpoint:
    """Return the last checkpoint; an empty one if it is missing or damaged."""
    return _load(data_dir / "ledger" / _COUNTED)


def save_checkpoint(data_dir: Path, state: Checkpoint) -> None:
    """Save a checkpoint, without persons who were forgotten since."""
    _drop_forgotten(state, data_dir)
    write_file(data_dir / "ledger" / _COUNTED, msgspec.json.encode(state))


def load_others(data_dir: Path) -> Checkpoint:
    """Return what other machines had spent when the shared store was last read, and the number of processes."""
    return _load(data_dir / "ledger" / _OTHERS)


def save_others(data_dir: Path, state: Checkpoint) -> None:
    """Save others' spending for a start without the shared store; without persons who were forgotten since."""
    _drop_forgotten(state, data_dir)
    write_file(data_dir / "ledger" / _OTHERS, msgspec.json.encode(state))


def load_shipped(data_dir: Path) -> Checkpoint:
    """Return the sums of all shipped segments; `read` has those that are still on the disk."""
    return _load(data_dir / "ledger" / _SHIPPED)


def note_shipped(data_dir: Path, sizes: Mapping[str, int], spent: Mapping[str, Iterable[Spent]]) -> None:
    """Add the spending of segments by their stem; those that were added before are skipped."""
    state = load_shipped(data_dir)
    there = {path.stem for path in (data_dir / "ledger" / "segments").glob("*")}
    for stem in sizes.keys() - state.read.keys():
        for day, *who, nano_usd in spent.get(stem, ()):
            of_day = state.days.setdefault(day, {})
            for scope in scopes(*who):
                of_day[scope] = min(of_day.get(scope, 0) + nano_usd, LARGEST_SUM)
    oldest = day_of(time.time()) - DAYS_KEPT
    state.days = {day: sums for day, sums in state.days.items() if day >= oldest}
    state.read = {stem: size for stem, size in {**state.read, **sizes}.items() if stem in there}
    _drop_forgotten(state, data_dir)
    write_file(data_dir / "ledger" / _SHIPPED, msgspec.json.encode(state))


def forget_spending(data_dir: Path, persons: Collection[str]) -> None:
    """Remove these persons (lower case) from all checkpoints, for what they spent until today.

    A running gateway writes the next one itself, so what is forgotten is noted, as hashes.
    """
    forgotten = _forgotten(data_dir) | {_hash_of(f"person:{each}"): day_of(time.time()) for each in persons}
    write_file(data_dir / "ledger" / _FORGOTTEN, msgspec.json.encode(forgotten))
    for name in (_COUNTED, _SHIPPED, _OTHERS):
        if state := _load(data_dir / "ledger" / name):
            _drop_forgotten(state, data_dir)
            write_file(data_dir / "ledger" / name, msgspec.json.encode(state))


def persons_in_spending(data_dir: Path) -> set[str]:
    """Return the ids and addresses, in lower case, that any of the checkpoints names."""
    states = [_load(data_dir / "ledger" / name) for name in (_COUNTED, _SHIPPED, _OTHERS)]
    named = {scope for state in states for sums in state.days.values() for scope in sums}
    return {scope.partition(":")[2] for scope in named if scope.startswith("person:")}


def _load(file: Path) -> Checkpoint:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        state = msgspec.json.decode(file.read_bytes(), type=Checkpoint)
        if state.version == _VERSION:
            state.days = {day: _sound(sums) for day, sums in state.days.items()}
            return state
    return Checkpoint()


def _sound(sums: dict[str, int]) -> dict[str, int]:
    """Return sums that the shared store can hold, whatever an older version has counted."""
    sound: dict[str, int] = {}
    for scope, nano_usd in sums.items():
        name = normal(scope)
        sound[name] = min(sound.get(name, 0) + max(nano_usd, 0), LARGEST_SUM)
    return sound


def _drop_forgotten(state: Checkpoint, data_dir: Path) -> None:
    if forgotten := _forgotten(data_dir):
        for day, sums in state.days.items():
            for scope in [scope for scope in sums if day <= forgotten.get(_hash_of(scope), -1)]:
                del sums[scope]


def _forgotten(data_dir: Path) -> dict[str, int]:
    """Return the last forgotten day by hash of the scope."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((data_dir / "ledger" / _FORGOTTEN).read_bytes(), type=dict[str, int])
    return {}


def _hash_of(scope: str) -> str:
    return sha256(scope.encode()).hexdigest()
