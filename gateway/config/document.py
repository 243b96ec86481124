"""The merged configuration with the place of each value."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Key = tuple[str | int, ...]
"""Path of a value in the merged document: ("models", 0, "name")."""


@dataclass(frozen=True)
class Place:
    """File and line of a value; `variables` are the `${NAME}`s in it."""

    file: Path
    line: int
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Document:
    """All files merged: plain data, the place of every key, the files."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    texts: dict[Path, str] = field(default_factory=dict)
    """Text of the files when they were read."""
    marks: dict[Path, tuple[int, int, int]] = field(default_factory=dict)
    """Time, size and inode of each file just before it was read."""
    missing: list[str] = field(default_factory=list)
    filled: dict[Key, str] = field(default_factory=dict)
    """Values that the files leave open and a table fills in, with what it is."""
    values: int = 0
    """Number of values that were read so far."""

    def place(self, key: Key) -> Place:
        """Return the place of a key, or of the nearest value around it."""
        while key and key not in self.places:
            key = key[:-1]
        return self.places.get(key) or Place(self.files[0], 1)
