"""Segments: append-only files of records, one open per process.

Open files end in `.open` and are locked by their process, closed ones in `.jsonl`; what a dead process left open is
cut behind its last whole line and closed at start.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from gateway.ledger.disk_quota import CLOSED, OPEN, SHIPPED
from gateway.ledger.lines import from_line
from gateway.ledger.record import Record

__all__ = ["CLOSED", "OPEN", "SHIPPED", "ask_to_close", "close_asked_at", "close_segment", "folder", "read", "recover"]

log = logging.getLogger("sekisho.ledger")


def folder(data_dir: Path) -> Path:
    """Return the folder of the segments."""
    return data_dir / "ledger" / "segments"


def ask_to_close(data_dir: Path) -> None:
    """Let every process close its segment, if there is anything in it, within `ledger.fsync_seconds`."""
    (folder(data_dir).parent / "close").touch()


def close_asked_at(directory: Path) -> int:
    """Return when closing was asked for last, in nanoseconds since 1970; 0 if never."""
    try:
        return (directory.parent / "close").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def close_segment(path: Path) -> None:
    """Give an open segment its closed name; an empty one goes."""
    if path.stat().st_size:
        path.rename(path.with_suffix(CLOSED))
    else:
        path.unlink()


def recover(directory: Path) -> None:
    """Close the segments of processes that are gone, each cut behind its last whole line."""
    for path in directory.glob(f"*{OPEN}"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                _cut_torn_tail(file.fileno(), path.name)
                close_segment(path)


def read(directory: Path) -> Iterator[Record]:
    """Yield every whole record that is not in Parquet yet, by file; damaged lines are logged and skipped."""
    for path in sorted((*directory.glob(f"*{CLOSED}"), *directory.glob(f"*{OPEN}"))):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            for number, line in enumerate(file, 1):
                record = from_line(line)
                if record:
                    yield record
                elif line.strip():
                    log.warning("%s:%d: damaged line passed over", path.name, number)


def _cut_torn_tail(file: int, name: str) -> None:
    size = os.fstat(file).st_size
    content = os.pread(file, size, 0)
    whole = content.rfind(b"\n") + 1
    if whole < size:
        log.warning("%s: cut %d bytes of a torn last line", name, size - whole)
        os.ftruncate(file, whole)
