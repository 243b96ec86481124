"""Definitions of tools as they were first seen: one that changes, or that speaks to the model, is noticed.

`pins.json` holds a hash a tool. A definition that is not accepted is pending; `sekisho mcp accept` writes the file.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from gateway.files import private_folder, replacing
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.catalog.pin import Pin, Pinned, hash_of, locked, mark_of
from gateway.mcp.catalog.suspicions import suspicions

log = logging.getLogger("sekisho.mcp")

Policy = Literal["allow", "warn", "block"]

_MOST_NAMES = 2000


class Pins:
    """All pins of this machine, in one file, which gateway processes and commands share."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pins: Pinned = {}
        self._mark: tuple[int, int, int] | None = None
        self._changing = threading.Lock()
        self._accepted: dict[str, dict[str, str]] = {}
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
            mark = mark_of(self._file)
            if mark != self._mark:
                self._mark = mark  # a broken file is told once
                before, self._pins = self._pins, msgspec.json.decode(self._file.read_bytes(), type=Pinned)
                self.revision += 1
                self._note_accepted(before)
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
        self._mark = mark_of(self._file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes from writing, and read what they wrote before. Blocks for two seconds."""
        with self._changing, locked(self._file.with_suffix(".lock")):
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

    def take_accepted(self) -> dict[str, dict[str, str]]:
        """Return, once, what was accepted since the last time: hashes by server and tool."""
        found, self._accepted = self._accepted, {}
        return found

    def _note_accepted(self, before: Pinned) -> None:
        """Note what of the definitions that waited before does so no longer, and is the same."""
        for server, tools in before.items():
            for name, pin in tools.items():
                now = self.of(server, name)
                if pin.waits and now and not now.waits and now.hash == (pin.pending or pin.hash):
                    self._accepted.setdefault(server, {})[name] = now.hash

    def accept_known(self, server: str, hashes: dict[str, str]) -> list[str]:
        """Accept what was accepted elsewhere, where the same definition waits here; return the tools. Blocks."""
        with self._alone():
            noted = self.noted(server)
            same = [name for name, pin in noted.items() if hashes.get(name) == (pin.pending or pin.hash)]
            for name in same:
                self.accept(server, name)
                self._accepted.setdefault(server, {})[name] = hashes[name]
            if same:
                self.save()
        return same

    def noted(self, server: str) -> dict[str, Pin]:
        """Return the pins of a server's tools that changed or are odd, and that nobody has accepted yet."""
        return {name: pin for name, pin in list(self._pins.get(server, {}).items()) if pin.waits}

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
