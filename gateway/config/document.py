"""The merged configuration, knowing where each value was written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Key = tuple[str | int, ...]
"""Where a value stands in the merged document: ("models", 0, "name")."""


@dataclass(frozen=True)
class Place:
    """Where a value was written; `variables` are the `${NAME}`s it was made of."""

    file: Path
    line: int
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Document:
    """All files merged: plain data, the place of every key, the files read."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    texts: dict[Path, str] = field(default_factory=dict)
    """What the files held when they were read."""
    marks: dict[Path, tuple[int, int, int]] = field(default_factory=dict)
    """Time, size and inode of each file from before it was read."""
    missing: list[str] = field(default_factory=list)
    values: int = 0
    """How many values were read so far."""

    def place(self, key: Key) -> Place:
        """The place of a key, or of the nearest thing around it."""
        while key and key not in self.places:
            key = key[:-1]
        return self.places.get(key) or Place(self.files[0], 1)
