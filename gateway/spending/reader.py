"""Sums of this machine's ledger by day and scope, kept up to date by reading what was appended.

A checkpoint makes the next start quick; without one, or with a damaged one, the last month of segments is read again,
and what was shipped meanwhile is known from who shipped it.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.identity.scopes import scopes
from gateway.ledger.lines import from_line
from gateway.ledger.record import Record
from gateway.ledger.segments import CLOSED, SHIPPED, folder
from gateway.spending.checkpoint import Checkpoint, load_checkpoint, load_shipped, save_checkpoint
from gateway.spending.days import DAY_SECONDS, DAYS_KEPT, LARGEST_SUM, day_of

log = logging.getLogger("sekisho.limits")

Ended = deque[tuple[str, tuple[str, ...]]]
"""Requests whose record was read: id and scopes."""

_Who = tuple[str | None, str | None, str | None, str | None]


class SpendingReader:
    """Reads spending from segments. Blocks; callers on an event loop use a thread."""

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._segments = folder(data_dir)
        self._data_dir = data_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._state = Checkpoint()
        self._finished: set[str] = set()
        self._scopes: dict[_Who, tuple[str, ...]] = {}
        self._changed: set[tuple[int, str]] = set()

    def restore(self, ended: Ended | None = None) -> dict[str, dict[int, int]]:
        """Return every scope's spending by day, up to the last whole record on disk."""
        began = time.monotonic()
        with self._lock:
            self._state = self._loaded()
        count = self.advance(ended)
        log.info("spending restored: %d new records in %.2f s", count, time.monotonic() - began)
        by_scope: dict[str, dict[int, int]] = {}
        for day, scope, spent in self.all():
            by_scope.setdefault(scope, {})[day] = spent
        return by_scope

    def advance(self, ended: Ended | None = None) -> int:
        """Read new records, append the requests that ended to `ended`; return the number of records."""
        with self._lock:
            sums: dict[tuple[int, _Who], int] = {}
            count = 0
            for record in self._new_records():
                count += 1
                who = (record.key_id, record.team, record.user_email, record.user_id)
                if record.cost_nano_usd:
                    spent = (record.started_at // (DAY_SECONDS * 10**6), who)
                    sums[spent] = sums.get(spent, 0) + record.cost_nano_usd
                if who not in self._scopes:
                    self._scopes[who] = scopes(*who)
                if ended is not None:
                    ended.append((record.request_id, self._scopes[who]))
            self._add(sums)
            return count

    def save(self) -> None:
        """Save the checkpoint."""
        with self._lock:
            if (self._data_dir / "ledger").exists():
                save_checkpoint(self._data_dir, self._state)

    def all(self) -> list[tuple[int, str, int]]:
        """Return all sums as (day, scope, nano-USD); `changed` starts from here."""
        with self._lock:
            self._changed.clear()
            return self._sums()

    def sums(self) -> list[tuple[int, str, int]]:
        """Return all sums as `all` does, without effect on `changed`."""
        with self._lock:
            return self._sums()

    def changed(self) -> list[tuple[int, str, int]]:
        """Return the sums that changed since the last call of `all` or `changed`."""
        with self._lock:
            days = self._state.days
            changed_sums = [(day, scope, days[day][scope]) for day, scope in self._changed if day in days]
            self._changed.clear()
            return changed_sums

    def _sums(self) -> list[tuple[int, str, int]]:
        return [(day, scope, spent) for day, sums in self._state.days.items() for scope, spent in sums.items()]

    def _add(self, sums: dict[tuple[int, _Who], int]) -> None:
        days, oldest = self._state.days, day_of(self._clock()) - DAYS_KEPT
        for (day, who), spent in sums.items():
            of_day = days.setdefault(day, {})
            for scope in self._scopes[who]:
                of_day[scope] = min(of_day.get(scope, 0) + spent, LARGEST_SUM)
                self._changed.add((day, scope))
        for day in [day for day in days if day < oldest]:
            del days[day]
        self._scopes.clear()

    def _loaded(self) -> Checkpoint:
        """Return the last checkpoint; without one, the sums of shipped segments, which may be deleted."""
        state = load_checkpoint(self._data_dir) or load_shipped(self._data_dir)
        there = {path.stem for path in self._segments.glob("*")}
        state.read = {stem: place for stem, place in state.read.items() if stem in there}
        return state

    def _new_records(self) -> Iterator[Record]:
        month_ago = time.time() - (DAYS_KEPT + 1) * DAY_SECONDS
        for path in sorted(self._segments.glob("*")):
            if path.stem in self._finished:
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime >= month_ago:
                    yield from self._read_on(path)
                if path.suffix in (CLOSED, SHIPPED):
                    self._finished.add(path.stem)

    def _read_on(self, path: Path) -> Iterator[Record]:
        """Yield whole records after the last position; a torn last line waits for its rest."""
        place = self._state.read.get(path.stem, 0)
        if path.stat().st_size <= place:
            return
        with path.open("rb") as file:
            file.seek(place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                place += len(line)
                if record := from_line(line):
                    yield record
        self._state.read[path.stem] = place
