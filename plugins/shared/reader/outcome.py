"""What the reader found in a file. It runs as a program of its own; between its two marks nothing else is used."""

from dataclasses import dataclass, field
from typing import Any

# >>> reader
NAMED = 12  # pages or names in a note; more are counted


class Unreadable(Exception):
    """Reason why a file has no text for us: a key of TEXT, or "unsupported"."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass
class Outcome:
    """Text in parts, and what was not read; `room` is the number of characters that may still come."""

    room: int
    kind: str = ""
    parts: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By a key of TEXT without its "note_": `count`, `of` how many, and which ones in `named`."""

    def add(self, part: str) -> None:
        """Append a part. Raises Unreadable when the text grows beyond all reason."""
        self.room -= len(part)
        if self.room < 0:
            raise Unreadable("bomb")
        if part.strip():
            self.parts.append(part.rstrip())

    def note(self, key: str, named: Any = "", of: int = 0) -> None:
        """Count something that was not read."""
        known = self.notes.setdefault(key, {"count": 0, "of": of, "named": []})
        known["count"] += 1
        if named and len(known["named"]) < NAMED:
            known["named"].append(str(named)[:80])

    @property
    def text(self) -> str:
        return "\n\n".join(self.parts)
