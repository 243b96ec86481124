"""Find the files that hold the ledger now, each record once, by the rule in the docstring of `gateway.ledger`."""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.errors import StoreError
from gateway.ledger.segments import CLOSED, OPEN, folder
from gateway.ledger.source import source_of
from gateway.ledger.store import Item, Store

PARQUET = ".parquet"
REPRICED, JOURNAL = "repriced/", "_journal/"
_LISTINGS = 10
_DAYS_LISTED_APART = 40
"""Days that are listed one by one; more are found by one listing of everything."""


@dataclass(frozen=True)
class Held:
    """The files of the ledger at one moment. They stay while the block of `holding` runs, except for compacted ones."""

    store: Store
    segments: tuple[Path, ...]
    """JSON lines (`gateway.ledger.lines`); the last line of one may be torn."""
    parquet: tuple[Item, ...]
    """Paths below the store's destination."""


@contextmanager
def holding(config: Config, first: date | None = None, last: date | None = None) -> Iterator[Held]:
    """Yield the files that hold each record once, or those of the UTC days `first` to `last` (segments: all).

    Compaction may delete a Parquet file while the block runs: then reading it fails, and a new `holding` works.
    Raises `StoreError`.
    """
    store = open_store(config)
    with linked_segments(config.data_dir) as segments:
        source = source_of(config.data_dir)
        yield Held(store, segments, current(store, {f"{path.stem}.{source}" for path in segments}, first, last))


def current(
    store: Store, local: Collection[str] = (), first: date | None = None, last: date | None = None
) -> tuple[Item, ...]:
    """Return the valid Parquet files by path, without those of the `local` segments (`<segment>.<source>`)."""
    before = _journals(store)
    for _ in range(_LISTINGS):
        items = list(_listed(store, first, last))
        after = _journals(store)
        if before == after:
            return _counted(items, _repriced(store), _replaced(store, after), local)
        before = after
    raise StoreError(store.name, "it is compacted over and over while it is listed.")


def originals(store: Store, first: date | None = None, last: date | None = None) -> tuple[Item, ...]:
    """Return files as `current` does, without repriced ones."""
    return _counted(list(_listed(store, first, last)), {}, _replaced(store, _journals(store)), set())


def segment_of(path: str) -> str:
    """Return `<segment>.<source>` of a Parquet file; the segment of a compacted one is `compacted`."""
    return ".".join(path.rsplit("/", 1)[-1].split(".")[:2])


def partition_of(path: str) -> str:
    """Return the partition of a path: `dt=…/hour=…`."""
    return "/".join(path.split("/")[-3:-1])


def _counted(
    items: list[Item], repriced: dict[str, Item], replaced: dict[str, set[str]], local: Collection[str]
) -> tuple[Item, ...]:
    there = {item.path for item in items}
    gone = {source for target, sources in replaced.items() if target in there for source in sources}
    counted = [item for item in items if item.path not in gone and segment_of(item.path) not in local]
    return tuple(sorted((repriced.get(item.path, item) for item in counted), key=lambda item: item.path))


def _listed(store: Store, first: date | None, last: date | None) -> Iterator[Item]:
    for prefix in _prefixes(first, last):
        for item in store.list(prefix):
            if item.path.startswith("dt=") and item.path.endswith(PARQUET) and _within(item.path, first, last):
                yield item


def _prefixes(first: date | None, last: date | None) -> list[str]:
    if first is None or last is None or (last - first).days > _DAYS_LISTED_APART:
        return [""]
    return [f"dt={first + timedelta(days=number)}/" for number in range((last - first).days + 1)]


def _within(path: str, first: date | None, last: date | None) -> bool:
    day = path[3:13]
    return (first is None or day >= f"{first}") and (last is None or day <= f"{last}")


def _repriced(store: Store) -> dict[str, Item]:
    """Return the newest repriced files by the path that each replaces."""
    newest: dict[str, Item] = {}
    for item in sorted(store.list(REPRICED), key=lambda item: item.path):
        if item.path.endswith(PARQUET):
            newest[item.path.split("/", 2)[2]] = item
    return newest


def _journals(store: Store) -> set[str]:
    return {item.path for item in store.list(JOURNAL)}


def _replaced(store: Store, journals: set[str]) -> dict[str, set[str]]:
    """Return the sources of compacted files by the compacted path."""
    found: dict[str, set[str]] = {}
    for path in journals:
        if content := store.get(path):
            journal = msgspec.json.decode(content, type=Journal)
            found[journal.target] = set(journal.sources)
    return found


class Journal(msgspec.Struct):
    """Write-ahead entry of a compaction."""

    target: str
    sources: list[str]
    done_at: int | None = None
    """Unix seconds when the sources were deleted, or None."""


@contextmanager
def linked_segments(data_dir: Path) -> Iterator[tuple[Path, ...]]:
    """Yield links of the open and closed segments, which stay readable for as long as the block runs."""
    segments = folder(data_dir)
    if not segments.is_dir():
        yield ()
        return
    reading = data_dir / "ledger" / "reading" / f"{os.getpid()}-{secrets.token_hex(4)}"
    reading.mkdir(parents=True)
    lock = os.open(reading, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    try:
        stems = sorted(_stems(segments) | _stems(segments))
        yield tuple(link for stem in stems if (link := _link(segments, stem, reading)))
    finally:
        shutil.rmtree(reading, ignore_errors=True)
        os.close(lock)


def _stems(segments: Path) -> set[str]:
    """Link all segments; the folder is read twice, as a file that is renamed meanwhile may be missed once."""
    return {path.stem for path in segments.iterdir() if path.suffix in (OPEN, CLOSED)}


def _link(segments: Path, stem: str, reading: Path) -> Path | None:
    """Link a segment; return None if it was shipped meanwhile."""
    target = reading / f"{stem}{CLOSED}"
    for suffix in (OPEN, CLOSED):
        with contextlib.suppress(FileNotFoundError):
            os.link(segments / f"{stem}{suffix}", target)
            return target
    return None


def forget_abandoned(data_dir: Path) -> None:
    """Remove the links of readers that are gone."""
    for path in (data_dir / "ledger" / "reading").glob("*"):
        with contextlib.suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def names(held: Sequence[Item], store: Store) -> list[str]:
    """Return file names for DuckDB, after `gateway.ledger.duck.mount` where the store is not a folder."""
    head = f"{store.folder}/" if store.folder else "sekisho://"
    return [head + item.path for item in held]
