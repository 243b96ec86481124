"""Where the processes of one machine find the one that runs the hub: a lock, and a socket below `data_dir/mcp`."""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.files import private_folder, try_lock

_WAITING = 1024
"""Connections that the kernel keeps until they are taken."""
_PROC = Path("/proc/self/fd")


class Place:
    """The lock and the socket of a machine's hub. Whoever holds the lock runs it; the kernel frees a dead process's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = -1
        self._listening: tuple[int, int] | None = None
        """Device and inode of our own socket."""

    def lead(self) -> bool:
        """Take the lock; return whether it was free. Raises `OSError`."""
        private_folder(self._folder)
        file = os.open(self._folder / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not try_lock(file):
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)  # for people who look
        self._lock = file
        return True

    def listen(self) -> socket.socket:
        """Return the hub's socket, which only this user may connect to. Raises `OSError`."""
        path = self._folder / "hub.sock"
        path.unlink(missing_ok=True)
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short(path) as short:
                found.bind(short)
            path.chmod(0o600)
            found.listen(_WAITING)
            found.setblocking(False)
        except BaseException:
            found.close()
            raise
        self._listening = _identity(path)
        return found

    def connect(self) -> socket.socket:
        """Return a connection to the hub. Raises `OSError` where nobody listens; `BlockingIOError` where many wait."""
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            found.setblocking(False)
            with _short(self._folder / "hub.sock") as short:
                found.connect(short)
        except BaseException:
            found.close()
            raise
        return found

    def leave(self) -> None:
        """Let another process run the hub from now on."""
        path, own = self._folder / "hub.sock", self._listening
        with contextlib.suppress(OSError):
            if own is not None and _identity(path) == own:
                path.unlink()
        self._listening = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name of a socket that fits into the hundred bytes that the kernel has for it."""
    if not _PROC.exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"{_PROC}/{folder}/{path.name}"
    finally:
        os.close(folder)
