"""The latest records of this machine, read backwards from the ends of its segments."""

import contextlib
import heapq
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.ledger.lines import from_line
from gateway.ledger.record import Record
from gateway.ledger.segments import CLOSED

_BLOCK = 256 * 1024
_MOST_BYTES = 256 * 1024 * 1024
"""Maximum number of bytes that are read for one answer."""


_LATENESS = 5.0
"""Seconds by which a line may be written later than its record's start and duration say."""


def latest(
    segments: Path, *, since: float = 0, user: str | None = None, request: str | None = None, limit: int = 100
) -> list[Record]:
    """Return the newest records, newest first.

    `since` is in Unix seconds; `user` an id or an e-mail address; `request` a request's id or its beginning.
    Reads files: not for an event loop.
    """
    newest, left = _Newest(since, limit), _MOST_BYTES
    for changed, path in _newest_first(segments):
        if left <= 0 or newest.older(changed):
            break
        for line in _backwards(path, left):
            left -= len(line)
            record = _wanted(line, user, request)
            if record:
                newest.add(record)
                if newest.older(_written(record)):
                    break
    return newest.records()


class _Newest:
    """Keeps the newest records that it is given."""

    def __init__(self, since: float, limit: int) -> None:
        self._since, self._limit = since, limit
        self._heap: list[tuple[float, int, Record]] = []
        self._numbers = count()

    def add(self, record: Record) -> None:
        started = record.started_at / 1e6
        if started >= self._since:
            heapq.heappush(self._heap, (started, next(self._numbers), record))
            if len(self._heap) > self._limit:
                heapq.heappop(self._heap)

    def older(self, written: float) -> bool:
        """Return whether nothing that was written until then can be among the newest."""
        full = len(self._heap) == self._limit
        return written < (self._heap[0][0] if full else self._since)

    def records(self) -> list[Record]:
        return [record for _, _, record in sorted(self._heap, key=lambda each: each[0], reverse=True)]


def _written(record: Record) -> float:
    """Return when a record was written at the latest, in Unix seconds; infinity if its duration is unknown."""
    ended = record.started_at / 1e6 + (record.duration_ms or 0) / 1e3
    return ended + _LATENESS if record.duration_ms is not None else float("inf")


def _newest_first(segments: Path) -> list[tuple[float, Path]]:
    """Return files with the Unix time of their last change."""
    dated = []
    for path in segments.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            dated.append((path.stat().st_mtime, path))
    return sorted(dated, reverse=True)


def _backwards(path: Path, most: int) -> Iterator[bytes]:
    """Yield whole lines from the last to the first, within the file's last `most` bytes."""
    with _opened(path) as file:
        if file is None:
            return
        place = file.seek(0, os.SEEK_END)
        end, rest = max(place - most, 0), b""
        while place > end:
            size = min(_BLOCK, place - end)
            place = file.seek(place - size)
            rest, *lines = (file.read(size) + rest).split(b"\n")
            for line in reversed(lines):
                yield line + b"\n"
        yield rest + b"\n"


def _opened(path: Path) -> contextlib.AbstractContextManager[BinaryIO | None]:
    """Open a file, under its closed name if it was closed meanwhile; None if it is gone."""
    for name in (path, path.with_suffix(CLOSED)):
        with contextlib.suppress(FileNotFoundError):
            return name.open("rb")
    return contextlib.nullcontext()


def _wanted(line: bytes, user: str | None, request: str | None) -> Record | None:
    """Return the record of a whole line if it is the user's and the request's."""
    if any(text is not None and msgspec.json.encode(text)[1:-1] not in line for text in (user, request)):
        return None
    record = from_line(line)
    if record is None or not record.request_id.startswith(request or ""):
        return None
    return record if user is None or user in (record.user_id, record.user_email) else None
