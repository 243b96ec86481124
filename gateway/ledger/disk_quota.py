"""Room on the disk: what waits to be shipped, whether more has place, and a reserve for running requests."""

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
    """Measured from time to time, not at every record."""

    def __init__(self, folder: Path, settings: Ledger) -> None:
        self._folder = folder
        self._most = settings.max_bytes
        self._reserve = -1
        self.full = False
        """No place for new requests; those that run still find the reserve."""
        self.waiting_bytes = 0
        self.oldest: float | None = None
        """When the oldest segment that is not in Parquet was opened, in Unix seconds."""

    def measure(self) -> None:
        """Look at the folder, and put the reserve back where it was used."""
        waiting = {
            entry.name: _size(entry) for entry in os.scandir(self._folder) if entry.name.endswith((OPEN, CLOSED))
        }
        self.waiting_bytes = sum(waiting.values())
        self.oldest = min((opened_at(name) for name, size in waiting.items() if size), default=None)
        self.full = not self._reserved() or self.waiting_bytes >= self._most

    @property
    def lag(self) -> float:
        """How old the oldest segment is that is not in Parquet, in seconds."""
        return 0.0 if self.oldest is None else max(0.0, time.time() - self.oldest)

    def release(self) -> bool:
        """Give the reserve to a record that found the disk full; whether there was one."""
        self.full = True
        return self.close()

    def close(self) -> bool:
        """Let go of the reserve; whether there was one."""
        reserve, self._reserve = self._reserve, -1
        if reserve >= 0:
            os.close(reserve)
        return reserve >= 0

    def _reserved(self) -> bool:
        """A file without a name, so that nothing is left of it whatever happens to us."""
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
    """When a segment was opened, by its name; now, where that is not a time."""
    try:
        return timegm(time.strptime(name.split("-", 1)[0], "%Y%m%dT%H%M%S"))
    except ValueError:
        return time.time()


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return 0
