"""Write records to segments, which are closed by size, age or on request.

A write goes to the page cache at once, so a killed process loses nothing that it wrote; a timer syncs to disk for the
case that the machine dies.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import threading
import time
from collections import deque
from pathlib import Path

from gateway.config.schema import Ledger
from gateway.ledger.disk_quota import OPEN, DiskQuota
from gateway.ledger.lines import to_line
from gateway.ledger.progress import Progress, load_progress
from gateway.ledger.record import Record
from gateway.ledger.segments import close_asked_at, close_segment, folder, recover

log = logging.getLogger("sekisho.ledger")

_MAKING = ".new"
"""Suffix of a segment that is not yet locked; it is not recovered."""
_PENDING_BYTES = 16 * 1024 * 1024
"""Bytes that are kept in memory while the disk takes nothing."""


class SegmentWriter:
    """Appends records; `write` returns when the kernel has the line.

    One thread writes; another syncs, changes files by age, and closes them.
    """

    def __init__(self, data_dir: Path, settings: Ledger) -> None:
        self._folder = folder(data_dir)
        self._settings = settings
        self.quota = DiskQuota(self._folder, settings)
        self._refuses = settings.when_full == "refuse"
        self._lock = threading.Lock()
        self._file = -1
        self._path = Path()
        self._size = 0
        self._opened = 0.0
        self._torn = False
        self._dirty = False
        self._unwritable = False
        """True if the folder cannot be read or created."""
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._retired: deque[tuple[int, Path]] = deque()
        self._asked = 0
        self._stopping = threading.Event()
        self._syncer = threading.Thread(target=self._sync_forever, name="ledger-fsync", daemon=True)
        self.records_in = 0
        self.records_lost = 0

    def start(self) -> None:
        """Close the segments of dead processes and open a new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        recover(self._folder)
        self._asked = close_asked_at(self._folder)
        self.quota.measure()
        self._open()
        self._syncer.start()

    def write(self, record: Record) -> None:
        """Append a record. It never breaks an answer: where the disk is full, `ledger.when_full` decides."""
        self.records_in += 1
        if self.quota.full and not (self._refuses and record.attempts):
            self._lose(record.request_id)
            return
        line = to_line(record)
        with self._lock:
            if self._pending or not self._append(line):
                self._keep(line, record.request_id)
            elif self._size >= self._settings.segment_max_bytes:
                self._rotate()

    def shipped(self) -> Progress:
        """Return the progress of shipping on this machine."""
        return load_progress(self._folder.parents[1])

    @property
    def healthy(self) -> bool:
        return not self._torn and not self._pending and not self._unwritable and not self.refusing

    @property
    def refusing(self) -> bool:
        """Return whether new requests are refused because their records could not be written."""
        return self._refuses and (self.quota.full or self._unwritable)

    def stop(self) -> None:
        """Sync and close."""
        self._stopping.set()
        self._syncer.join()
        self._write_pending()
        self.records_lost += len(self._pending)
        self._retired.append((self._file, self._path))
        self._close_retired()
        self.quota.close()

    def _append(self, line: bytes) -> bool:
        """Write a line; return whether all of it was written. A torn one is cut off, or ended before the next."""
        for _ in range(2):
            try:
                whole = b"\n" + line if self._torn else line
                written = os.write(self._file, whole)
                self._dirty = True
                if written == len(whole):
                    self._size += written
                    self._torn = False
                    return True
                self._cut(written)
            except OSError as error:
                log.critical("the ledger cannot be written: %s", error)
            if not self.quota.release():
                break
        return False

    def _cut(self, written: int) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._size += written
            self._torn = True

    def _keep(self, line: bytes, request_id: str) -> None:
        """Keep a line in memory until the disk takes it, unless `when_full` is `drop`."""
        if not self._refuses or self._pending_bytes + len(line) > _PENDING_BYTES:
            self._lose(request_id)
            return
        self._pending.append(line)
        self._pending_bytes += len(line)

    def _lose(self, request_id: str) -> None:
        self.records_lost += 1
        log.critical("no room in the ledger; record of %s lost", request_id)

    def _write_pending(self) -> None:
        with self._lock:
            while self._pending and self._append(self._pending[0]):
                self._pending_bytes -= len(self._pending.popleft())

    def _rotate(self) -> None:
        """Open a new segment; the syncer closes the old one, as that may take a while."""
        old = self._file, self._path
        try:
            self._open()
            self._retired.append(old)
        except OSError as error:
            log.critical("no new segment can be opened: %s", error)

    def _open(self) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        path = self._folder / f"{stamp}-{os.getpid()}-{secrets.token_hex(4)}{OPEN}"
        making = path.with_suffix(_MAKING)
        file = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o640)
        fcntl.flock(file, fcntl.LOCK_EX)
        making.rename(path)
        self._file, self._path = file, path
        self._size, self._opened, self._torn = 0, time.monotonic(), False

    def _sync_forever(self) -> None:
        while not self._stopping.wait(self._settings.fsync_seconds):
            try:
                self._tick()
                self._unwritable = False
            except OSError as error:
                if not self._unwritable:
                    log.critical("the ledger cannot be written: %s; requests are refused", error)
                self._unwritable = True

    def _tick(self) -> None:
        self._look_for_folder()
        self.quota.measure()
        if self._pending:
            self._write_pending()
        if self._dirty:
            self._dirty = False
            os.fsync(self._file)
        asked = close_asked_at(self._folder)
        aged = time.monotonic() - self._opened >= self._settings.segment_max_seconds
        if self._size and (aged or asked != self._asked):
            with self._lock:
                self._rotate()
        self._asked = asked
        self._close_retired()

    def _look_for_folder(self) -> None:
        """Open a new segment if the current file was deleted: records in it would be lost."""
        if self._path.exists():
            return
        log.critical("the ledger's segment %s is gone; a new one is opened", self._path.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            old = self._file
            self._open()
            os.close(old)

    def _close_retired(self) -> None:
        while self._retired:
            file, path = self._retired.popleft()
            with contextlib.suppress(OSError):
                os.fsync(file)
                close_segment(path)
            os.close(file)
