"""Publishes the sums of this machine's ledger to the shared store.

The ledger is the truth about spending and the store its index: sums are published as they are, not added, so that
a lost answer, a retry or a store that has lost its data cost nothing. One process a machine does it at a time.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.ledger.source import source_of
from gateway.limits.adoption import Adoption
from gateway.limits.known import KnownSpending
from gateway.limits.store import PUBLISH, Store, StoreAway
from gateway.spending.days import DAY_SECONDS, DAYS_KEPT, day_of
from gateway.spending.reader import Ended, SpendingReader

log = logging.getLogger("sekisho.limits")

_KEEP_SECONDS = (DAYS_KEPT + 8) * DAY_SECONDS
_CHECKPOINT_SECONDS = 60.0
_PART = 1000
_ENDED_KEPT = 20_000
"""Older ones have expired in the store by themselves when it is back."""

_Sums = Sequence[tuple[int, str, int]]


class Publisher:
    """Reads new records and publishes the sums that changed; all of them where the store has lost its data."""

    def __init__(
        self, store: Store, data_dir: Path, clock: Callable[[], float], known: KnownSpending, adoption: Adoption
    ) -> None:
        self._store = store
        self._adoption = adoption
        self._known = known
        self._folder = data_dir / "ledger"
        self._clock = clock
        self._spending = SpendingReader(data_dir, clock)
        self._ended: Ended = deque(maxlen=_ENDED_KEPT)
        self._lock_file = -1
        self._sequence: str | None = None
        """What the store must still have from our last publication; None = publish everything."""
        self._checkpoint_at = 0.0
        self.source = ""
        """This ledger's name among those that share the store."""

    def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.source = source_of(self._folder.parent)

    async def publish(self) -> None:
        """Publish what changed, unless another process of this machine does. Raises `StoreAway`."""
        if not await asyncio.to_thread(self._read_on):
            return
        known, self._sequence = self._sequence, None
        ended = list(self._ended)
        if known is None or not await self._send(self._spending.changed(), ended, known):
            if not await self._send(self._spending.all(), ended, None):
                raise StoreAway("it lost its data while they were restored")
            log.info("limits: %s has all of this ledger's spending", self._store.name)
            self._adoption.lost()
        await self._adoption.adopt_once()
        for _ in ended:
            self._ended.popleft()
        if time.monotonic() > self._checkpoint_at:
            await self._checkpoint()

    async def stop(self) -> None:
        """Publish the rest if the store is reachable, and give up the lock."""
        with contextlib.suppress(StoreAway):
            await self.publish()
            if self._lock_file >= 0:
                await self._checkpoint()
        if self._lock_file >= 0:
            os.close(self._lock_file)
            self._lock_file = -1

    async def _checkpoint(self) -> None:
        """Save a checkpoint of what is published, so that the next process publishes the rest."""
        self._checkpoint_at = time.monotonic() + _CHECKPOINT_SECONDS
        await asyncio.to_thread(self._save)

    def _save(self) -> None:
        self._spending.save()
        if self._known.synced:
            self._known.save(self._folder.parent, self._spending.sums())

    def _read_on(self) -> bool:
        """Read new records; return whether this process is the publisher. A dead process holds no lock."""
        if self._lock_file < 0:
            if not self._locked():
                return False
            self._spending.restore(self._ended)
        else:
            self._spending.advance(self._ended)
        return True

    def _locked(self) -> bool:
        file = os.open(self._folder / "publisher.lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._lock_file = file
        return True

    async def _send(self, sums: _Sums, ended: Sequence[Any], known: str | None) -> bool:
        """Send sums, and the requests that ended, in parts; return False where the store has lost `known`."""
        sequence = secrets.token_hex(8)
        parts = list(_parts(sums, ended))
        for number, part in enumerate(parts):
            begins, ends = known is None and number == 0, number == len(parts) - 1
            first_day = day_of(self._clock()) - DAYS_KEPT
            head = (self.source, known or "*", sequence if ends else "", _KEEP_SECONDS, first_day, begins)
            if not await self._store.run(PUBLISH, *head, *part):
                return False
        self._sequence = sequence
        return True


def _parts(sums: _Sums, ended: Sequence[Any]) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """Yield parts that are small enough to keep Redis responsive."""
    while len(sums) > _PART:
        yield sums[:_PART], ()
        sums = sums[_PART:]
    while len(ended) > _PART:
        yield sums, ended[:_PART]
        sums, ended = (), ended[_PART:]
    yield sums, ended
