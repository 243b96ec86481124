"""Disk space of the ledger: bytes that wait to be shipped, the quota, and a reserve for running requests."""

import contextlib
import os
import tempfile
import time
from calendar import timegm
from pathlib import Path

from gateway.config.schema import Ledger

OPEN, CLOSED, SHIPPED = ".open", ".jsonl", ".shipped"
_RESERVE_BYTES = 1024 * 1024


class DiskQuota:
    """Quota of the segments' folder, measured from time to time, not at every record."""

    def __init__(self, folder: Path, settings: Ledger) -> None:
        self._folder = folder
        self._most = settings.max_bytes
        self._reserve = -1
        self.full = False
        """True if there is no space for new requests; running ones can still use the reserve."""
        self.waiting_bytes = 0
        self.oldest: float | None = None
        """Unix seconds when the oldest segment that is not in Parquet was opened."""

    def measure(self) -> None:
        """Measure the folder, and allocate the reserve again where it was used."""
        waiting = {
            entry.name: _size(entry) for entry in os.scandir(self._folder) if entry.name.endswith((OPEN, CLOSED))
        }
        self.waiting_bytes = sum(waiting.values())
        self.oldest = min((opened_at(name) for name, size in waiting.items() if size), default=None)
        self.full = not self._reserved() or self.waiting_bytes >= self._most

    @property
    def lag(self) -> float:
        """Return the age in seconds of the oldest segment that is not in Parquet."""
        return 0.0 if self.oldest is None else max(0.0, time.time() - self.oldest)

    def release(self) -> bool:
        """Free the reserve for a record that found the disk full; return whether there was one."""
        self.full = True
        return self.close()

    def close(self) -> bool:
        """Free the reserve; return whether there was one."""
        reserve, self._reserve = self._reserve, -1
        if reserve >= 0:
            os.close(reserve)
        return reserve >= 0

    def _reserved(self) -> bool:
        """Allocate the reserve as an unlinked file, which disappears with the process."""
        if self._reserve < 0:
            with contextlib.suppress(OSError):
                made, name = tempfile.mkstemp(dir=self._folder.parent)
                try:
                    os.unlink(name)
                    os.posix_fallocate(made, 0, _RESERVE_BYTES)
                    self._reserve = made
                finally:
                    if self._reserve != made:
                        os.close(made)
        return self._reserve >= 0


def opened_at(name: str) -> float:
    """Return when a segment was opened, by its name, in Unix seconds; the current time if the name holds none."""
    try:
        return timegm(time.strptime(name.split("-", 1)[0], "%Y%m%dT%H%M%S"))
    except ValueError:
        return time.time()


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return 0
