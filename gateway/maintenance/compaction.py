"""Compact the small Parquet files of an hour into one; delete partitions that are too old.

A ledger joins only what its own machine wrote, and one machine at a time works at a destination.
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.duck import COLUMNS, PARQUET_OPTIONS, SORTED, connect, mount, quoted, rows_of_parquet
from gateway.ledger.errors import ClockDoubtful, RowsDiffer
from gateway.ledger.files import JOURNAL, PARQUET, REPRICED, Journal, names, partition_of, segment_of
from gateway.ledger.lease import store_lease
from gateway.ledger.process_lock import process_lock, workspace
from gateway.ledger.segments import CLOSED, OPEN, folder
from gateway.ledger.source import source_of
from gateway.ledger.store import Item, Store

AT_LEAST = 4
"""Minimum number of files of an hour to compact."""
_SETTLED_SECONDS = 2 * 3600
"""Seconds after its end in which an hour may still get records of long requests."""
_LARGE_BYTES = 64 * 1024 * 1024
_JOURNAL_KEPT_SECONDS = 3600
_DOUBTFUL_DAYS = 31


@dataclass
class Compacted:
    """Result of one run."""

    partitions: int = 0
    before: int = 0
    """Number of files that were replaced."""
    bytes: int = 0
    """Size of the files that replaced them."""


def compact(config: Config, now: float | None = None) -> Compacted:
    """Compact the small files of hours that are over. Raises `ShippingBusy`, `StoreError`, `RowsDiffer`."""
    store = open_store(config)
    done = Compacted()
    with process_lock(config.data_dir), store_lease(store):
        _finish(store, time.time() if now is None else now)
        for items in _joinable(config, store, time.time() if now is None else now):
            target = f"{partition_of(items[0].path)}/compacted.{source_of(config.data_dir)}.{_hash(items)}{PARQUET}"
            journal = Journal(target, [item.path for item in items])
            store.put(_journal_of(target), msgspec.json.encode(journal))
            with workspace(config.data_dir) as working:
                done.bytes += _join(store, items, target, working)
            _complete(store, journal)
            done.partitions += 1
            done.before += len(items)
    return done


def expire(config: Config, now: float | None = None) -> list[str]:
    """Delete the days beyond `ledger.retention_days`; return them. Raises `StoreError`, `ClockDoubtful`."""
    if config.ledger.retention_days is None:
        return []
    today = datetime.fromtimestamp(time.time() if now is None else now, UTC).date()
    store = open_store(config)
    with process_lock(config.data_dir), store_lease(store):
        items = [item for item in store.list() if "dt=" in item.path]
        days = {_day(item) for item in items}
        if not days:
            return []
        if abs((today - max(days)).days) > _DOUBTFUL_DAYS:
            raise ClockDoubtful(f"{today}", f"{max(days)}")
        last = today - timedelta(days=config.ledger.retention_days)
        store.delete(item.path for item in items if _day(item) < last)
        return sorted(f"{day}" for day in days if day < last)


def _joinable(config: Config, store: Store, now: float) -> list[list[Item]]:
    """Return the files to compact by hour: this ledger's own, small, completely shipped, not repriced."""
    source, until = source_of(config.data_dir), _partition(now - _SETTLED_SECONDS - 3600)
    segments = folder(config.data_dir).glob("*")
    shipping = {f"{path.stem}.{source}" for path in segments if path.suffix in (OPEN, CLOSED)}
    repriced = {item.path.split("/", 2)[2] for item in store.list(REPRICED)}
    by_hour: dict[str, list[Item]] = defaultdict(list)
    for item in store.list():
        parts = item.path.rsplit("/", 1)[-1].split(".")
        ours = item.path.startswith("dt=") and len(parts) == 4 and parts[1] == source
        if ours and item.size < _LARGE_BYTES and item.path not in repriced and segment_of(item.path) not in shipping:
            by_hour[partition_of(item.path)].append(item)
    ready = (by_hour[hour] for hour in sorted(by_hour) if hour <= until and len(by_hour[hour]) >= AT_LEAST)
    return [sorted(items, key=lambda item: item.path) for items in ready]


def _join(store: Store, items: list[Item], target: str, working: Path) -> int:
    """Write the rows of several files into one; return its size in bytes."""
    connection = connect(working)
    mount(connection, store)
    rows, joined = rows_of_parquet(names(items, store)), working / "joined.parquet"
    query = f"SELECT {', '.join(COLUMNS)} FROM ({rows}) ORDER BY {SORTED}"
    ((read,),) = connection.execute(f"SELECT count(*) FROM ({rows})").fetchall()
    ((written,),) = connection.execute(f"COPY ({query}) TO {quoted(str(joined))} {PARQUET_OPTIONS}").fetchall()
    connection.close()
    if read != written:
        raise RowsDiffer(target, read, written)
    store.put(target, joined)
    store.settle()
    return joined.stat().st_size


def _finish(store: Store, now: float) -> None:
    """Complete what a killed process began, and delete old journal entries."""
    there = {item.path for item in store.list() if item.path.startswith("dt=")}
    for item in list(store.list(JOURNAL)):
        journal = msgspec.json.decode(store.get(item.path) or b"{}", type=Journal)
        if journal.done_at is None and journal.target in there:
            _complete(store, journal)
        elif journal.done_at is None or journal.done_at < now - _JOURNAL_KEPT_SECONDS:
            store.delete([item.path])


def _complete(store: Store, journal: Journal) -> None:
    store.delete(journal.sources)
    journal.done_at = round(time.time())
    store.put(_journal_of(journal.target), msgspec.json.encode(journal))


def _journal_of(target: str) -> str:
    return f"{JOURNAL}{target.replace('/', '-')}.json"


def _hash(items: list[Item]) -> str:
    return sha256("\n".join(item.path for item in items).encode()).hexdigest()[:16]


def _partition(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):dt=%Y-%m-%d/hour=%H}"


def _day(item: Item) -> date:
    return date.fromisoformat(item.path.split("dt=", 1)[1][:10])
