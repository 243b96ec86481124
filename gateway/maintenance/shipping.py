"""Ship closed segments as Parquet to the destination. Doing it again, or half of it, changes nothing.

Runs in a process of its own: it uses two cores and some hundred megabytes for as long as it takes.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.audit.forgetting import forget_in_audit, texts_in_audit
from gateway.config.schema import Config
from gateway.identity.keys import audit_of
from gateway.ledger.contents import forget_contents
from gateway.ledger.destination import open_store
from gateway.ledger.duck import COLUMNS, MOMENT, PARQUET_OPTIONS, SORTED, connect, quoted, rows_of_segments
from gateway.ledger.errors import RowsDiffer, ShippingBusy
from gateway.ledger.files import forget_abandoned
from gateway.ledger.process_lock import PATIENCE_SECONDS, process_lock, workspace
from gateway.ledger.progress import Progress, load_progress, save_progress
from gateway.ledger.segments import CLOSED, SHIPPED, folder, recover
from gateway.ledger.source import source_of
from gateway.maintenance.anonymize import anonymized, blank_segments, listed
from gateway.maintenance.audit_copies import forget_in_copies
from gateway.maintenance.litellm import hand_over, send_all
from gateway.maintenance.prune import prune
from gateway.maintenance.tombstones import Tombstones
from gateway.maintenance.validate import ValidSegment, batches, validate
from gateway.spending.checkpoint import Spent, forget_spending, note_shipped, persons_in_spending

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH_BYTES = 256 * 1024 * 1024
_AT_ONCE = 8
_LOCAL_AT_ONCE = 2
_SPENT = (
    "SELECT segment, epoch_us(started_at) // 86400000000 AS day, key_id, team, user_email, user_id, sum(cost_nano_usd) "
    "FROM loaded WHERE cost_nano_usd > 0 GROUP BY ALL"
)
_WHO = "SELECT lower(user_id), lower(user_email), segment FROM ({}) GROUP BY ALL"
_TRIES = 10
"""Number of times that a batch is written while persons are forgotten one after another."""
_PLACE = f", parse_filename(filename, true) AS segment, strftime({MOMENT}, 'dt=%Y-%m-%d/hour=%H') AS hour"


_PARTS = "SELECT segment, hour, min(rowid), max(rowid) FROM loaded GROUP BY segment, hour ORDER BY hour, segment"


class Part(NamedTuple):
    """The rows of a segment that belong to an hour (`dt=…/hour=…`)."""

    segment: str
    hour: str
    first: int
    last: int


@dataclass
class Shipped:
    """Result of one run."""

    segments: int = 0
    records: int = 0
    damaged: int = 0
    files: int = 0
    bytes: int = 0
    seconds: float = 0


def ship(config: Config, patience: float = PATIENCE_SECONDS) -> Shipped:
    """Ship every closed segment. Raises `ShippingBusy`, `StoreError`, `RowsDiffer`; what was done before stays done."""
    began = time.monotonic()
    with process_lock(config.data_dir, patience):
        forget_abandoned(config.data_dir)
        segments = folder(config.data_dir)
        recover(segments)
        prune(config.data_dir)
        progress = load_progress(config.data_dir)
        with _recording_outcome(config.data_dir, progress):
            result = Run(config, progress).ship(sorted(segments.glob(f"*{CLOSED}")))
            send_all(config)
        result.seconds = time.monotonic() - began
        return result


class Run:
    """One run over some segments."""

    def __init__(self, config: Config, progress: Progress) -> None:
        self._config = config
        self._progress = progress
        self._store = open_store(config)
        self._source = source_of(config.data_dir)
        self._done = Shipped()
        self._spent: dict[str, list[Spent]] = defaultdict(list)
        """By segment."""
        self._tombstones = Tombstones(self._store, config.data_dir)
        self._forgotten: set[str] = set()
        self._differing: list[RowsDiffer] = []
        """Raised when everything else is shipped, so that one bad segment delays no other."""

    def ship(self, segments: Sequence[Path]) -> Shipped:
        self._tombstones.learn()
        for batch in batches(segments, _BATCH_BYTES):
            with workspace(self._config.data_dir) as working:
                self._ship_batch(batch, working)
        self._tombstones.learn()
        # Their spending goes, too, from whatever segment it was summed up.
        known = persons_in_spending(self._config.data_dir) | self._named_in_audit()
        self._forgotten |= {person for stone in self._tombstones.unconfirmed() for person in stone.meant(known)}
        if self._forgotten:
            blank_segments(self._config.data_dir, self._forgotten)
            forget_spending(self._config.data_dir, self._forgotten)
            forget_contents(self._config, self._forgotten)
            self._forget_in_audit()
        if self._config.ledger.destination is not None:
            self._tombstones.confirm()
        for differing in self._differing:
            raise differing
        return self._done

    def _named_in_audit(self) -> set[str]:
        """Return the texts of this machine's audit, where somebody was forgotten that it has not confirmed yet."""
        return texts_in_audit(audit_of(self._config).chain) if self._tombstones.unconfirmed() else set()

    def _forget_in_audit(self) -> None:
        chain = audit_of(self._config).chain
        taken = forget_in_audit(chain, self._forgotten)
        if self._config.ledger.destination is not None:
            forget_in_copies(chain, self._store, [n for n, _ in taken])

    def _ship_batch(self, segments: Sequence[Path], working: Path) -> None:
        ready = [validate(segment, working) for segment in segments]
        rows = self._written({each.segment.stem: each for each in ready}, working)
        differing = [each for each in ready if rows[each.segment.stem] != each.records]
        self._commit([each for each in ready if each not in differing], rows)
        self._differing += [RowsDiffer(each.segment.name, each.records, rows[each.segment.stem]) for each in differing]

    def _written(self, ready: dict[str, ValidSegment], working: Path) -> dict[str, int]:
        """Write a batch, again where somebody was forgotten between the look before it and the look after it."""
        for _ in range(_TRIES):
            rows = self._write(ready, working)
            if not self._tombstones.learn():
                return rows
        raise ShippingBusy

    def _write(self, ready: dict[str, ValidSegment], working: Path) -> dict[str, int]:
        """Write a file for every hour of every segment; return the number of rows by segment."""
        rows = dict.fromkeys(ready, 0)
        for stem in ready:
            self._spent.pop(stem, None)
        files = [each.file for each in ready.values() if each.records]
        if not files:
            return rows
        connection = connect(working)
        query = self._without_forgotten(connection, rows_of_segments(files, _PLACE), ready)
        connection.execute(f"CREATE TABLE loaded AS {query} ORDER BY hour, segment, {SORTED}")
        parts = [Part(*found) for found in connection.sql(_PARTS).fetchall()]
        for segment, *spent, nano_usd in connection.sql(_SPENT).fetchall():
            self._spent[segment].append((*spent, int(nano_usd)))
        local = threading.local()

        def write(part: Part) -> tuple[str, int, int]:
            cursor = getattr(local, "cursor", None) or connection.cursor()
            local.cursor = cursor
            return part.segment, *self._write_part(cursor, ready[part.segment], part, working)

        with ThreadPoolExecutor(_LOCAL_AT_ONCE if self._store.folder else _AT_ONCE) as threads:
            for segment, count, size in threads.map(write, parts):
                rows[segment] += count
                self._done.files += 1
                self._done.bytes += size
        connection.close()
        self._store.settle()
        return rows

    def _without_forgotten(self, connection: "DuckDBPyConnection", query: str, stems: Iterable[str]) -> str:
        """Return the rows without people forgotten elsewhere before they came here. They are read once for that,
        however many were forgotten."""
        tombstones = self._tombstones.of(stems)
        known = connection.execute(_WHO.format(query)).fetchall() if tombstones else []
        for stone, segments in tombstones:
            persons = stone.meant(each for *who, stem in known if stem in segments for each in who if each)
            if persons:
                self._forgotten |= persons
                before = f"segment IN {listed(segments)}"
                columns = ", ".join(f"{anonymized(name, persons, before)} AS {name}" for name in COLUMNS)
                query = f"SELECT {columns}, segment, hour FROM ({query})"
        return query

    def _write_part(self, cursor: "DuckDBPyConnection", of: ValidSegment, part: Part, working: Path) -> tuple[int, int]:
        """Write a segment's part of an hour; return its number of rows and bytes."""
        name = f"{of.segment.stem}.{self._source}.{of.hash}.parquet"
        file = working / f"{part.hour.replace('/', '-')}-{name}"
        query = f"SELECT {', '.join(COLUMNS)} FROM loaded WHERE rowid BETWEEN {part.first} AND {part.last}"
        (written,) = cursor.execute(f"COPY ({query}) TO {quoted(str(file))} {PARQUET_OPTIONS}").fetchall()
        size = file.stat().st_size
        self._store.put(f"{part.hour}/{name}", file)
        file.unlink()
        return int(written[0]), size

    def _commit(self, shipped: Sequence[ValidSegment], rows: dict[str, int]) -> None:
        """Count and rename segments; from then on Parquet is read instead of them."""
        progress = self._progress
        for of in shipped:
            if of.segment.stem not in progress.counted:
                progress.counted.append(of.segment.stem)
                progress.records_in += of.records + of.damaged
                progress.records_out += rows[of.segment.stem]
                progress.damaged += of.damaged
        save_progress(self._config.data_dir, progress)
        note_shipped(self._config.data_dir, {of.segment.stem: of.segment.stat().st_size for of in shipped}, self._spent)
        for of in shipped:
            hand_over(self._config, of.segment)
            of.segment.rename(of.segment.with_suffix(SHIPPED))
            self._done.segments += 1
            self._done.records += of.records
            self._done.damaged += of.damaged


@contextmanager
def _recording_outcome(data_dir: Path, progress: Progress) -> Iterator[None]:
    """Save how the run ended, for `sekisho ledger status` and /metrics."""
    there = {path.stem for path in folder(data_dir).glob(f"*{CLOSED}")}
    progress.counted = [stem for stem in progress.counted if stem in there]
    try:
        yield
    except Exception as error:
        progress.problem, progress.problem_at = str(error), time.time()
        save_progress(data_dir, progress)
        raise
    progress.problem, progress.problem_at, progress.shipped_at = None, None, time.time()
    save_progress(data_dir, progress)
