"""Sums of the ledger by hour and everything that people group by, kept as Parquet beside the ledger.

    data_dir/ledger/rollup/<unit>.<hash>.parquet      a unit is a UTC day of the last two months, or an older month

The hash covers name, size and version of each ledger file that a unit was made of, so a file is right or it is not
used: whatever rewrites the ledger (compaction, forgetting, repricing, expiry) makes another hash. Files are made by
maintenance, and by whoever needs one that is not there; those of another hash are deleted.
"""

import contextlib
import os
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.schema import Config
from gateway.ledger.duck import PARQUET_OPTIONS, connect, mount, quoted, rows_of_parquet
from gateway.ledger.files import holding, names
from gateway.ledger.store import Item, Store
from gateway.ledger.sums import sums_folder
from gateway.reports.dimensions import DETAILS, MEASURES
from gateway.reports.summary import Question

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_VERSION = 1
"""Raised where the columns change, so that older files are not used."""
_HOUR = timedelta(hours=1)
_LEFT_OUT = ("chat",)
"""Dimensions that hardly sum anything up; questions about them read the records."""

COLUMNS = (
    *("user_email", "user_id", "user_name", "user_role", "team", "key_id", "key_alias", "model", "provider"),
    *("upstream_model", "deployment", "task", "client", "client_ip", "api", "outcome", "status", "error_code"),
    *("identity_source", "price_id"),
)
_LARGEST_SUM = 9 * 10**18


@dataclass(frozen=True)
class Unit:
    """A day or month of the ledger's files: `2026-04-12` or `2026-03`, and its hash."""

    name: str
    items: tuple[Item, ...]

    @property
    def file(self) -> str:
        parts = sorted(f"{item.path} {item.size} {item.version}" for item in self.items)
        return f"{self.name}.{sha256(chr(10).join([str(_VERSION), *parts]).encode()).hexdigest()[:24]}.parquet"

    def overlaps(self, first: date, last: date) -> bool:
        """Return whether the unit may have records of these UTC days."""
        width = len(self.name)
        return str(first)[:width] <= self.name <= str(last)[:width]


def answers(question: Question) -> bool:
    """Return whether sums by the hour tell the answer: not by chat, nor where a day begins between full hours."""
    if set(_LEFT_OUT) & {*question.by, *question.only}:
        return False
    return all(not offset % _HOUR for offset in question.span.offsets)


def rolled(rows: str) -> str:
    """Return a SELECT of the sums of the records in `rows`, which is SQL."""
    measures = {**MEASURES, **DETAILS}
    sums = ", ".join(f"least({sql}, {_LARGEST_SUM})::BIGINT AS {name}" for name, sql in measures.items())
    hour = "date_trunc('hour', started_at)::TIMESTAMP AS started_at"
    return f"SELECT {hour}, {', '.join(COLUMNS)}, {sums} FROM ({rows}) GROUP BY ALL"


def units(items: Iterable[Item], today: date | None = None) -> list[Unit]:
    """Return the units of the ledger's files, in their order."""
    days_from = _days_from(today or datetime.now(UTC).date())
    grouped: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        day = item.path.split("dt=", 1)[1][:10]
        grouped[day if day >= days_from else day[:7]].append(item)
    return [Unit(name, tuple(grouped[name])) for name in sorted(grouped)]


def build(connection: "DuckDBPyConnection", store: Store, folder: Path, wanted: Iterable[Unit]) -> Iterator[Path]:
    """Make the missing files of units, and yield the file of each. The store is mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    for unit in wanted:
        target = folder / unit.file
        if not target.exists():
            partial = folder / f".{unit.name}.{os.getpid()}.{secrets.token_hex(4)}"
            rows = rolled(rows_of_parquet(names(unit.items, store)))
            try:
                connection.execute(f"COPY ({rows} ORDER BY started_at) TO {quoted(str(partial))} {PARQUET_OPTIONS}")
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        yield target


def keep_sums(config: Config) -> None:
    """Make the sums of all that is shipped, and delete those of files that are no more. Raises `StoreError`."""
    folder = sums_folder(config.data_dir)
    with holding(config) as held, tempfile.TemporaryDirectory(prefix="sekisho-usage-") as scratch:
        wanted = units(held.parquet)
        missing = [unit for unit in wanted if not (folder / unit.file).exists()]
        if missing:
            with connect(Path(scratch)) as connection:
                mount(connection, held.store, [item for unit in missing for item in unit.items])
                list(build(connection, held.store, folder, missing))
        sweep(folder, [folder / unit.file for unit in wanted])


def sweep(folder: Path, kept: Iterable[Path]) -> None:
    """Delete the files that are not among those to keep."""
    names_kept = {path.name for path in kept}
    for path in folder.glob("*.parquet"):
        if path.name not in names_kept:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def _days_from(today: date) -> str:
    """Return the first day that is a unit of its own: that of the month before."""
    return str((today.replace(day=1) - timedelta(days=1)).replace(day=1))
