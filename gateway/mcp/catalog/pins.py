"""Definitions of tools as they were first seen: one that changes, or that speaks to the model, is noticed.

`pins.json` holds a hash a tool. A definition that is not accepted is pending; who accepts it writes the file.
"""

import logging
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from gateway.mcp.catalog.clean import Entry

log = logging.getLogger("sekisho.mcp")

Policy = Literal["allow", "warn", "block"]

_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_TO_THE_MODEL = (
    r"(ignore|disregard|forget)[^.\n]{0,40}(previous|prior|above|earlier|all)[^.\n]{0,30}(instruction|prompt|rule)",
    r"(do not|don't|never)[^.\n]{0,30}(tell|mention|inform|reveal)[^.\n]{0,30}(user|person|human)",
    r"<(important|system|secret|instructions?)>|system prompt",
    r"前の指示|これまでの指示|ユーザーに(は)?(言わ|伝え|知らせ)",
)
_FOR_SECRETS = (
    r"id_rsa|\.ssh/|\.env\b|\.aws/|/etc/passwd|\bmcp\.json\b|private key",
    r"(your|the user'?s) (password|token|api key)",
)
_SUSPICIOUS = (
    ("an HTML comment", re.compile("<!--")),
    ("an instruction to the model", re.compile("|".join(_TO_THE_MODEL), re.IGNORECASE)),
    ("a request for secrets", re.compile("|".join(_FOR_SECRETS), re.IGNORECASE)),
)
_INVISIBLE = frozenset({"Cf", "Co", "Cn", "Cs"})
_HARMLESS = frozenset("\u200d\ufeff")
"""The joiner of emoji, and a byte order mark."""
_LONGEST_SCANNED = 64 * 1024
_SHORTEST_NAME = 6
"""Names of tools that are shorter are words of any language."""
_MOST_NAMES = 2000


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


def suspicions(tool: Entry, others: Iterable[str] = ()) -> Iterator[str]:
    """Yield what is odd in a tool's definition. `others`: names of other servers' tools."""
    shown = {name: tool[name] for name in ("title", "description", "inputSchema") if name in tool}
    text = msgspec.json.encode(shown)[:_LONGEST_SCANNED].decode(errors="replace")
    if any(unicodedata.category(each) in _INVISIBLE and each not in _HARMLESS for each in text):
        yield "invisible characters"
    for words, pattern in _SUSPICIOUS:
        if pattern.search(text):
            yield words
    said = {word.strip(".-") for word in re.findall(r"[A-Za-z0-9_.-]{6,}", text)} - {tool["name"]}
    if named := next((name for name in others if len(name) >= _SHORTEST_NAME and "_" in name and name in said), None):
        yield f"the name of another server's tool, {named[:60]}"


class Pins:
    """All pins of this gateway, in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pins: Pinned = {}
        self._mark: float | None = None
        self.revision = 0
        """Rises with every change."""

    def load(self) -> None:
        """Read the file if it is another one now: who accepts a definition writes it."""
        try:
            mark = self._file.stat().st_mtime
            if mark != self._mark:
                self._pins = msgspec.json.decode(self._file.read_bytes(), type=Pinned)
                self._mark = mark
                self.revision += 1
        except (OSError, msgspec.DecodeError) as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("the pins of tools cannot be read: %s", type(error).__name__)

    def save(self) -> None:
        """Write the file; it is whole at any moment."""
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.format(msgspec.json.encode(self._pins)))
            part.replace(self._file)
            self._mark = self._file.stat().st_mtime
        except OSError as error:
            log.warning("the pins of tools cannot be kept: %s", error.strerror)

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
            for server, tools in self._pins.items()
            for name, pin in tools.items()
            if pin.pending is not None
        ]

    def accept(self, server: str, tool: str) -> bool:
        """Accept the definition that waits; return whether one did."""
        pin = self._pins.get(server, {}).get(tool)
        if pin is None or pin.pending is None:
            return False
        self._pins[server][tool] = Pin(pin.pending, time.time())
        self.revision += 1
        return True
