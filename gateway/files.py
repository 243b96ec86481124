"""Files that appear whole and durable, or not at all, whenever the process or the machine dies."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700
_DEFAULT = 0o666
"""Restricted by the process's umask."""


def write_file(path: Path, content: bytes) -> None:
    """Replace a file's content atomically. Raises `OSError`; the old content is then still there."""
    with replacing(path) as partial:
        _write(partial, content, _DEFAULT)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file in the same folder; its content takes the place of `path` at the end.

    Where the block raises, the temporary file is deleted and `path` stays as it was.
    """
    partial = _beside(path)
    try:
        yield partial
        fsync(partial)
        partial.replace(path)
        fsync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def create_once(path: Path, content: bytes) -> bytes:
    """Create a file that only its owner reads, and return its content: another's, where that was first.

    Raises `OSError` where the folder cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = _beside(path)
        try:
            _write(partial, content, _PRIVATE)
            fsync(partial)
            with contextlib.suppress(FileExistsError):
                os.link(partial, path)
                fsync(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    return path.read_bytes()


def private_folder(path: Path) -> None:
    """Create a folder that only its owner may enter; one that is there already becomes so. Raises `OSError`."""
    path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(_PRIVATE_FOLDER)


def fsync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")


def _write(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def try_lock(file: int | TextIO) -> bool:
    """Lock an open file until it is closed, however that happens; return whether nobody else holds it.

    Windows has no such lock and goes without.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
