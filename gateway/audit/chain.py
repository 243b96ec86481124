"""The chain of this machine: appended under a file lock, by whichever process has something to record. Blocks."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.row import GENESIS, LARGEST_ROW, Row, Sealer, from_line, made, problem, to_line
from gateway.files import write_file

LARGEST_LISTED = 256 * 1024 * 1024
"""Bytes from the end of a chain that are read to list it; verifying reads all of it, a line at a time."""


class Head(msgspec.Struct):
    """The end of a chain, sealed; `seen` are fingerprints of what is recorded once (`Chain.append_once`)."""

    chain: str
    n: int
    hash: str
    seal: str = ""
    seen: dict[str, str] = {}

    @property
    def sealed_text(self) -> str:
        return f"head:{self.chain}:{self.n}:{self.hash}"


@dataclass(frozen=True)
class Line:
    """A line of a file: its number, and its row if it is one."""

    number: int
    row: Row | None


def folder_of(data_dir: Path) -> Path:
    """Return the folder of the audit."""
    return data_dir / "ledger" / "audit"


class Chain:
    """The rows of one machine. Every method raises `OSError` where the disk does not do it."""

    def __init__(self, data_dir: Path, sealer: Sealer) -> None:
        self.folder = folder_of(data_dir)
        self.file = self.folder / "chain.jsonl"
        self.sealer = sealer

    def append(self, action: str, once: tuple[str, str] | None = None, **values: Any) -> Row | None:
        """Write a row; return it when it is on the disk.

        `once` is a name and a fingerprint: nothing is written, and None returned, where the last row of this name had
        the same fingerprint.
        """
        with self.locked():
            head = self.head()
            seen = dict(head.seen) if head else {}
            if once and seen.get(once[0]) == once[1]:
                return None
            chain, n, previous = self._end(head)
            row = made(chain, n + 1, previous, action, values, self.sealer)
            self._write(to_line(row))
            self.set_head(row, {**seen, **(dict([once]) if once else {})})
            return row

    def head(self) -> Head | None:
        """Return the last head that was written, or None where there is none that its seal proves."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            head = msgspec.json.decode((self.folder / "head.json").read_bytes(), type=Head)
            return head if self.sealer.holds(head.sealed_text, head.seal) else None
        return None

    def set_head(self, row: Row, seen: dict[str, str]) -> None:
        """Write the head that a row makes."""
        head = Head(row.chain, row.n, row.hash, seen=seen)
        head.seal = self.sealer.seal(head.sealed_text)
        write_file(self.folder / "head.json", msgspec.json.encode(head))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the chain for the block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _end(self, head: Head | None) -> tuple[str, int, str]:
        """Return chain, number and hash that the next row follows.

        That is the head; a row beyond it only where a process died between the row and its head. What was cut off
        stays missing, so that it is seen.
        """
        last = self._last()
        if head is None:
            return (last.chain, last.n, last.hash) if last else (secrets.token_hex(8), 0, GENESIS)
        if last and last.n == head.n + 1 and last.previous == head.hash and problem(last, self.sealer) is None:
            return last.chain, last.n, last.hash
        return head.chain, head.n, head.hash

    def _last(self) -> Row | None:
        """Return the last whole row."""
        with contextlib.suppress(FileNotFoundError), self.file.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - LARGEST_ROW, 0))
            lines = file.read().rpartition(b"\n")[0].split(b"\n")
            return from_line(lines[-1])
        return None

    def _write(self, line: bytes) -> None:
        """Append a line. The torn rest of a line that a dying machine left is cut off first: it was never answered."""
        with self.file.open("ab+") as file:
            os.chmod(self.file, 0o640)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - LARGEST_ROW, 0))
            rest = len(file.read().rpartition(b"\n")[2])
            if rest:
                os.ftruncate(file.fileno(), size - rest)
            begun = size - rest
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), begun)
                raise


def lines_of(file: Path) -> Iterator[Line]:
    """Yield the lines of a chain's file; a torn last one, which was never answered, is left out."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
        for number, line in enumerate(iter(lambda: content.readline(LARGEST_ROW), b""), 1):
            if line.endswith(b"\n") or len(line) == LARGEST_ROW:
                yield Line(number, from_line(line))


def backwards(file: Path) -> Iterator[Row]:
    """Yield the rows from the newest on, within the file's last `LARGEST_LISTED` bytes."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
        place = content.seek(0, os.SEEK_END)
        end, rest = max(place - LARGEST_LISTED, 0), b""
        while place > end:
            size = min(LARGEST_ROW, place - end)
            place = content.seek(place - size)
            rest, *lines = (content.read(size) + rest).split(b"\n")
            yield from filter(None, map(from_line, reversed(lines)))
        if row := from_line(rest):
            yield row
