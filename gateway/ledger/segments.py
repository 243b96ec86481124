"""Segments: append-only files, one open per process, closed by size or age.

A write goes to the page cache at once, so a killed process loses nothing that it wrote; a
timer syncs to disk for the case that the machine dies. Open files end in `.open`, closed ones
in `.jsonl`; what a dead process left open is cut behind its last whole line and closed at start.
"""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from gateway.config.schema import Ledger
from gateway.ledger.lines import from_line, to_line
from gateway.ledger.record import Record

log = logging.getLogger("sekisho.ledger")

OPEN, CLOSED = ".open", ".jsonl"


def folder(data_dir: Path) -> Path:
    """Where a configuration's segments are."""
    return data_dir / "ledger" / "segments"


class SegmentWriter:
    """Appends records; `write` returns when the line is the kernel's.

    One thread writes, another syncs; only the syncing one closes files.
    """

    def __init__(self, data_dir: Path, settings: Ledger) -> None:
        self._folder = folder(data_dir)
        self._settings = settings
        self._file = -1
        self._path = Path()
        self._size = 0
        self._opened = 0.0
        self._torn = False
        self._dirty = False
        self._retired: deque[tuple[int, Path]] = deque()
        self._stopping = threading.Event()
        self._syncer = threading.Thread(target=self._sync_forever, name="ledger-fsync", daemon=True)
        self.records_in = 0
        self.records_lost = 0

    def start(self) -> None:
        """Close what dead processes left, open a segment of our own."""
        self._folder.mkdir(parents=True, exist_ok=True)
        recover(self._folder)
        self._open()
        self._syncer.start()

    def write(self, record: Record) -> None:
        """Append a record. A full or broken disk is counted and logged; it never breaks an answer."""
        self.records_in += 1
        line = to_line(record)
        try:
            written = os.write(self._file, b"\n" + line if self._torn else line)
            self._torn = written < len(line)
            self._size += written
            if self._torn:
                raise OSError("short write")
        except OSError as error:
            self.records_lost += 1
            log.critical("the ledger cannot be written (%s); record of %s lost", error, record.request_id)
            return
        self._dirty = True
        if self._size >= self._settings.segment_max_bytes or self._age() >= self._settings.segment_max_seconds:
            self._rotate()

    @property
    def healthy(self) -> bool:
        return not self._torn

    def stop(self) -> None:
        """Sync and close."""
        self._stopping.set()
        self._syncer.join()
        self._retired.append((self._file, self._path))
        self._close_retired()

    def _age(self) -> float:
        return time.monotonic() - self._opened

    def _rotate(self) -> None:
        """A new segment at once; the syncer closes the old one, for that may take a while."""
        self._retired.append((self._file, self._path))
        self._open()

    def _open(self) -> None:
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}{OPEN}"
        self._path = self._folder / name
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o640)
        self._size, self._opened, self._torn = 0, time.monotonic(), False

    def _sync_forever(self) -> None:
        while not self._stopping.wait(self._settings.fsync_seconds):
            with contextlib.suppress(OSError):
                if self._dirty:
                    self._dirty = False
                    os.fsync(self._file)
                self._close_retired()

    def _close_retired(self) -> None:
        while self._retired:
            file, path = self._retired.popleft()
            with contextlib.suppress(OSError):
                os.fsync(file)
            os.close(file)
            close_segment(path)


def close_segment(path: Path) -> None:
    """Give an open segment its closed name; an empty one goes."""
    if path.stat().st_size:
        path.rename(path.with_suffix(CLOSED))
    else:
        path.unlink()


def recover(directory: Path) -> None:
    """Close the segments of processes that are gone, each cut behind its last whole line."""
    for path in directory.glob(f"*{OPEN}"):
        if _alive(int(path.name.split("-")[1])):
            continue
        _cut_torn_tail(path)
        close_segment(path)


def read(directory: Path) -> Iterator[Record]:
    """Every whole record, in order of the files; damaged lines are logged and passed over."""
    for path in sorted((*directory.glob(f"*{CLOSED}"), *directory.glob(f"*{OPEN}"))):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            for number, line in enumerate(file, 1):
                record = from_line(line)
                if record:
                    yield record
                elif line.strip():
                    log.warning("%s:%d: damaged line passed over", path.name, number)


def _cut_torn_tail(path: Path) -> None:
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            log.warning("%s: cut %d bytes of a torn last line", path.name, len(content) - whole)
            file.truncate(whole)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
