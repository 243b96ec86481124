"""Which plugin files were saved. Looking is portable: it also sees network drives and mounted folders."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from install.kit.check import present_files

POLL_SECONDS = 0.2

Mark = tuple[int, int]


def saved(paths: Sequence[Path], poll_seconds: float = POLL_SECONDS) -> Iterator[list[Path]]:
    """Yield all files at first, then those that changed at every look, often none. Never ends."""
    seen: dict[Path, Mark] = {}  # Editors take a file away for a moment while they save it.
    while True:
        marks = {path: mark for path in present_files(paths) if (mark := _mark(path))}
        yield [path for path, mark in marks.items() if seen.get(path) != mark]
        seen = marks
        time.sleep(poll_seconds)


def _mark(path: Path) -> Mark | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
