"""One pinned definition, and the file that processes share. A definition is known by a hash."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.files import private_folder, try_lock
from gateway.mcp.catalog.clean import Entry

_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_LOCK_TRIES, _LOCK_PAUSE = 100, 0.02
"""How often, and with which pause in seconds, the lock of the file is tried: nobody holds it for long."""


class Pin(msgspec.Struct):
    """One tool's definition. Times are Unix seconds."""

    hash: str
    seen_at: float
    pending: str | None = None
    """The hash of a definition that nobody has accepted yet."""
    why: str = ""

    @property
    def waits(self) -> bool:
        """Return whether nobody has accepted the definition yet that was seen last."""
        return bool(self.pending or self.why)


Pinned = dict[str, dict[str, Pin]]
"""Pins by server and tool."""


def hash_of(tool: Entry) -> str:
    """Return what changes with a tool's definition."""
    found = {name: tool[name] for name in _PINNED if name in tool}
    return sha256(msgspec.json.encode(found, order="sorted")).hexdigest()


def mark_of(file: Path) -> tuple[int, int, int]:
    """Return what differs once another file stands there."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that processes share; go without where there is none to be had."""
    try:
        private_folder(path.parent)
        file = path.open("a")
    except OSError:
        yield
        return
    with file:
        for _ in range(_LOCK_TRIES):
            if try_lock(file):
                break
            time.sleep(_LOCK_PAUSE)
        yield
