"""Definitions of tools as they were first seen: one that changes, or that speaks to the model, is noticed.

`pins.json` holds a hash a tool. A definition that is not accepted is pending; `sekisho mcp accept` writes the file.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from gateway.files import private_folder, replacing, try_lock
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.catalog.suspicions import suspicions

log = logging.getLogger("sekisho.mcp")

Policy = Literal["allow", "warn", "block"]

_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_MOST_NAMES = 2000
_LOCK_TRIES, _LOCK_PAUSE = 100, 0.02
"""How often, and with which pause in seconds, the lock of the file is tried: nobody holds it for long."""


class Pin(msgspec.Struct):
    """One tool's definition. Times are Unix seconds."""

    hash: str
    seen_at: float
    pending: str | None = None
    """The hash of a definition that nobody has accepted yet."""
    why: str = ""


Pinned = dict[str, dict[str, Pin]]
"""Pins by server and tool."""


def hash_of(tool: Entry) -> str:
    """Return what changes with a tool's definition."""
    found = {name: tool[name] for name in _PINNED if name in tool}
    return sha256(msgspec.json.encode(found, order="sorted")).hexdigest()


class Pins:
    """All pins of this machine, in one file, which gateway processes and commands share."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pins: Pinned = {}
        self._mark: tuple[int, int, int] | None = None
        self._changing = threading.Lock()
        self.revision = 0
        """Rises with every change."""

    def load(self) -> None:
        """Read the file if it is another one now: who accepts a definition writes it. Costs a `stat`, else."""
        if self._changing.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._changing.release()

    def _read(self) -> None:
        try:
            mark = _mark_of(self._file)
            if mark != self._mark:
                self._mark = mark  # a broken file is told once
                self._pins = msgspec.json.decode(self._file.read_bytes(), type=Pinned)
                self.revision += 1
        except (OSError, msgspec.DecodeError) as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("the pins of tools cannot be read: %s", type(error).__name__)

    def save(self) -> None:
        """Write the file where the disk takes it."""
        try:
            self._write()
        except OSError as error:
            log.warning("the pins of tools cannot be kept: %s", error.strerror)

    def _write(self) -> None:
        """Write the file; it is whole at any moment. Raises `OSError`."""
        private_folder(self._file.parent)
        with replacing(self._file) as part:
            part.write_bytes(msgspec.json.format(msgspec.json.encode(self._pins)))
        self._mark = _mark_of(self._file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes from writing, and read what they wrote before. Blocks for two seconds."""
        with self._changing, _locked(self._file.with_suffix(".lock")):
            self._read()
            yield

    def note(self, server: str, tools: Iterable[Entry], policy: Policy, others: Iterable[str]) -> None:
        """Look at a server's tools, and write what is new of them. Blocks."""
        with self._alone():
            if self.look(server, tools, policy, others):
                self.save()

    def look(self, server: str, tools: Iterable[Entry], policy: Policy, others: Iterable[str]) -> bool:
        """Compare a server's tools with their pins; return whether there is something new to write."""
        known, news = self._pins.setdefault(server, {}), False
        names = [name for _, name in zip(range(_MOST_NAMES), others, strict=False)]
        for tool in tools:
            news |= self._look_at(server, known, tool, policy, names)
        self.revision += news
        return news

    def _look_at(self, server: str, known: dict[str, Pin], tool: Entry, policy: Policy, others: list[str]) -> bool:
        name, now, pin = tool["name"], hash_of(tool), known.get(tool["name"])
        if pin is not None and now in (pin.hash, pin.pending):
            return False
        why = ", ".join(suspicions(tool, others))
        if pin is not None:
            why = f"it changed{f', and holds {why}' if why else ''}"
        elif why:
            why = f"it holds {why}"
        if not why or policy == "allow":
            known[name] = Pin(now, time.time())
            return True
        log.warning("tool server %s: look at the definition of '%s': %s", server, name, why)
        if policy == "warn":
            known[name] = Pin(now, time.time(), why=why)
        else:
            known[name] = Pin(pin.hash if pin else "", pin.seen_at if pin else time.time(), now, why)
        return True

    def allows(self, server: str, tool: Entry) -> bool:
        """Return whether a tool may be shown: nothing of it waits to be accepted."""
        pin = self._pins.get(server, {}).get(tool["name"])
        return pin is None or pin.pending is None or pin.hash == hash_of(tool)

    def of(self, server: str, tool: str) -> Pin | None:
        return self._pins.get(server, {}).get(tool)

    def pending(self) -> list[tuple[str, str, str]]:
        """Return server, tool and reason of every definition that waits."""
        return [
            (server, name, pin.why)
            for server, tools in list(self._pins.items())
            for name, pin in list(tools.items())
            if pin.pending is not None
        ]

    def noted(self, server: str) -> dict[str, Pin]:
        """Return the pins of a server's tools that changed or are odd, and that nobody has accepted yet."""
        return {name: pin for name, pin in list(self._pins.get(server, {}).items()) if pin.pending or pin.why}

    def accept(self, server: str, tool: str) -> bool:
        """Accept the definition that waits or was told of; return whether one was."""
        pin = self.noted(server).get(tool)
        if pin is None:
            return False
        self._pins[server][tool] = Pin(pin.pending or pin.hash, time.time())
        self.revision += 1
        return True

    def accept_all(self, server: str, tools: Sequence[str]) -> dict[str, Pin]:
        """Accept these definitions, or all that are noted where none is named, and write the file.

        Returns the pins as they were. Raises `KeyError` with the first tool of which nothing is noted, and accepts
        none then; `OSError`. Blocks.
        """
        with self._alone():
            noted = self.noted(server)
            accepted = {name: noted[name] for name in tools or noted}
            for name in accepted:
                self.accept(server, name)
            if accepted:
                self._write()
        return accepted


def _mark_of(file: Path) -> tuple[int, int, int]:
    """Return what differs once another file stands there."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def _locked(path: Path) -> Iterator[None]:
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
