"""What was spent on each day by whom, summed from the ledger; a checkpoint makes the next start quick."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.ledger.lines import from_line
from gateway.ledger.segments import folder
from gateway.limits.limit import scopes_of
from gateway.limits.windows import day_of

log = logging.getLogger("sekisho.limits")

_DAYS = 32
_VERSION = 1


class Checkpoint(msgspec.Struct):
    """Sums so far, and how many bytes of each segment are in them."""

    version: int = _VERSION
    read: dict[str, int] = {}
    days: dict[int, dict[str, int]] = {}
    """Day since 1970 → scope → nano-USD."""


class Spending:
    """Reads the ledger where the last checkpoint ended."""

    def __init__(self, data_dir: Path) -> None:
        self._segments = folder(data_dir)
        self._file = data_dir / "ledger" / "spending.json"
        self._state = self._load()

    def read(self) -> dict[int, dict[str, int]]:
        """Spending by day and scope, up to the last whole record on disk."""
        began, count = time.monotonic(), 0
        days = defaultdict(
            lambda: defaultdict(int), {day: defaultdict(int, sums) for day, sums in self._state.days.items()}
        )
        for path in sorted(self._segments.glob("*")):
            for line in self._new_lines(path):
                record = from_line(line)
                if record and record.cost_nano_usd:
                    count += 1
                    sums = days[day_of(record.started_at / 1e6)]
                    for scope in scopes_of(record):
                        sums[scope] += record.cost_nano_usd
        oldest = day_of(time.time()) - _DAYS
        self._state.days = {day: dict(sums) for day, sums in days.items() if day >= oldest}
        self.save()
        log.info("spending restored: %d new records in %.2f s", count, time.monotonic() - began)
        return self._state.days

    def save(self) -> None:
        """Written beside and renamed, so that a torn checkpoint never takes the place of a whole one."""
        if not self._file.parent.exists():
            return
        partial = self._file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(self._state))
        partial.replace(self._file)

    def _load(self) -> Checkpoint:
        try:
            state = msgspec.json.decode(self._file.read_bytes(), type=Checkpoint)
        except (OSError, msgspec.DecodeError):
            return Checkpoint()
        gone = [name for name in state.read if not any(self._segments.glob(f"{name}.*"))]
        for name in gone:
            del state.read[name]
        return state if state.version == _VERSION else Checkpoint()

    def _new_lines(self, path: Path) -> Iterator[bytes]:
        """Whole lines after the checkpoint; a segment keeps its stem when it is closed."""
        place = self._state.read.get(path.stem, 0)
        with path.open("rb") as file:
            file.seek(place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                place += len(line)
                yield line
        self._state.read[path.stem] = place
