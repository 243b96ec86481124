"""The lines of Open WebUI's log that are about some plugins. Follows a file; a rotated or emptied one starts anew."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from install.errors import UsageError

MOST_AT_ONCE = 1_000_000
"""Bytes read in one look; what is older is left out."""

STARTS = re.compile(r"^(\d{4}-\d\d-\d\d[ T]|\{\"ts\"|[A-Z]+ +\[)")
"""A new entry of the log; other lines belong to the one before."""


@dataclass
class Log:
    """`new()` gives what was written since the last look."""

    path: Path
    _place: int = field(init=False)
    _rest: str = ""
    _shown: bool = False

    def __post_init__(self) -> None:
        try:
            self._place = self.path.stat().st_size
        except OSError as error:
            raise UsageError(
                f"There is no log {self.path}.",
                "Start Open WebUI with its output going there: `open-webui serve > FILE 2>&1`.",
            ) from error

    def new(self, ids: Iterable[str]) -> Iterator[str]:
        """Yield whole lines that these plugins wrote, or warnings and errors that name them; tracebacks included."""
        names = "|".join(map(re.escape, ids))
        own = rf"\b(?:function|tool)_(?:{names})(?:_[0-9a-f]{{32}})?:"
        about = re.compile(rf"{own}|\b(?:WARNING|ERROR|CRITICAL)\b.*\b(?:{names})\b")
        *lines, self._rest = (self._rest + self._read()).split("\n")
        for line in lines:
            if STARTS.match(line):
                self._shown = bool(names and about.search(line))
            if self._shown:
                yield line

    def _read(self) -> str:
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, 2)
                start = self._place if end >= self._place else 0
                file.seek(max(start, end - MOST_AT_ONCE))
                read = file.read(MOST_AT_ONCE)
                self._place = file.tell()
        except OSError:
            return ""
        return read.decode("utf-8", "replace")
