"""The ledger's sums in a process that stays: rollup files of what is shipped, and a table of what is not yet."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence, Set
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config.schema import Config
from gateway.ledger import progress
from gateway.ledger.duck import connect, is_of_files, mount, quoted, rows_of_nothing, rows_of_segments
from gateway.ledger.files import holding, linked_segments
from gateway.ledger.segments import CLOSED, OPEN, folder
from gateway.ledger.sums import rewritten_mark, sums_folder
from gateway.reports.rollup import Unit, build, rolled, sweep, units
from gateway.reports.summary import Question, Source, summary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "256MB"
_WHOLE_SECONDS = 60.0
"""How often all files are listed; other machines' records come by that."""
_TRIES = 3
_MOST_BYTES = 32 * 1024 * 1024
"""Bytes of a segment that are taken up at once."""


class Cube:
    """Answers questions; `refresh` takes up what was written since. Both may be called from several threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folder = sums_folder(config.data_dir)
        self._closing = ExitStack()
        scratch = tempfile.TemporaryDirectory(prefix="sekisho-usage-")
        self._scratch = Path(self._closing.enter_context(scratch))
        self._connection: DuckDBPyConnection = connect(self._scratch, MEMORY)
        self._connection.execute("SET parquet_metadata_cache = true")
        self._connection.execute("SET preserve_insertion_order = false")
        self._connection.execute(f"CREATE TABLE fresh AS SELECT '' AS segment, * FROM ({rolled(rows_of_nothing())})")
        self._refreshing, self._asking = threading.Lock(), threading.Lock()
        self._taken: dict[str, int] = {}
        """Bytes of each local segment whose records are in the table, until the end of a line."""
        self._files: list[tuple[Unit, Path]] = []
        self._mark: tuple[int, ...] = ()
        self._listed_at = float("-inf")
        self.refreshed_at = float("-inf")
        """When the answers were true, in seconds of the monotonic clock."""

    def close(self) -> None:
        self._connection.close()
        self._closing.close()

    def answer(self, question: Question) -> dict[str, Any]:
        """Return the answer to a question, as of `refreshed_at`."""
        import duckdb

        for left in reversed(range(_TRIES)):
            try:
                with self._asking:
                    return summary(self._connection, question, Source(self._rows(question), summed=True))
            except duckdb.Error as error:
                if not left or not is_of_files(error):
                    raise
            self.refresh(whole=True)
        raise AssertionError

    def refresh(self, whole: bool = False, look_around: bool = True) -> None:
        """Take up new records of this machine, and of others (`look_around`) where that is due.

        All files are listed then, as they are where this machine shipped or rewrote some. Raises `StoreError`.
        """
        with self._refreshing:
            began = time.monotonic()
            mark = _mark(self._config.data_dir)
            sizes = _sizes(folder(self._config.data_dir))
            due = whole or mark != self._mark or (look_around and began - self._listed_at > _WHOLE_SECONDS)
            if due or self._taken.keys() - sizes.keys():
                self._take_all()
                self._listed_at, self._mark = began, mark
            elif any(self._taken.get(stem, 0) < size for stem, size in sizes.items()):
                self._take_new(sizes.keys())
            self.refreshed_at = began

    def _take_new(self, stems: Set[str]) -> None:
        with linked_segments(self._config.data_dir) as segments:
            if {path.stem for path in segments} >= stems:
                self._load(segments)
                return
        self._take_all()  # one was shipped meanwhile

    def _take_all(self) -> None:
        with holding(self._config) as held:
            wanted = units(held.parquet)
            cursor = self._connection.cursor()
            missing = [unit for unit in wanted if not (self._folder / unit.file).exists()]
            if missing and held.store.folder is None:
                mount(cursor, held.store, [item for unit in missing for item in unit.items])
            files = list(zip(wanted, build(cursor, held.store, self._folder, wanted), strict=True))
            self._load(held.segments, files)
        sweep(self._folder, [path for _, path in files])

    def _load(self, paths: Sequence[Path], files: list[tuple[Unit, Path]] | None = None) -> None:
        """Add the new lines of segments, drop segments that are gone, and use other files; in one step."""
        cursor, taken = self._connection.cursor(), {path.stem: self._taken.get(path.stem, 0) for path in paths}
        gone = [stem for stem in self._taken if stem not in taken]
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM fresh WHERE segment IN (SELECT unnest(?::VARCHAR[]))", [gone])
        for path in paths:
            for content in _new_lines(path, taken[path.stem]):
                self._insert(cursor, path.stem, content)
                taken[path.stem] += len(content)
        with self._asking:
            cursor.execute("COMMIT")
            self._files = self._files if files is None else files
        self._taken = taken

    def _insert(self, cursor: "DuckDBPyConnection", stem: str, content: bytes) -> None:
        lines = self._scratch / "lines.jsonl"
        lines.write_bytes(content)
        cursor.execute(f"INSERT INTO fresh SELECT {quoted(stem)}, * FROM ({rolled(rows_of_segments([lines]))})")

    def _rows(self, question: Question) -> str:
        first, last = question.span.start.date(), (question.span.end - timedelta(microseconds=1)).date()
        files = [quoted(str(path)) for unit, path in self._files if unit.overlaps(first, last)]
        parts = [f"FROM read_parquet([{', '.join(files)}])"] if files else []
        return f"({' UNION ALL BY NAME '.join([*parts, 'SELECT * EXCLUDE segment FROM fresh'])})"


def _mark(data_dir: Path) -> tuple[int, ...]:
    """Return file times that change when this machine ships or rewrites the ledger."""
    return tuple(_time_of(path) for path in (progress.file_of(data_dir), rewritten_mark(data_dir)))


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _new_lines(path: Path, start: int) -> Iterator[bytes]:
    """Yield the whole lines of a file from a place on, some megabytes at a time."""
    with path.open("rb") as file:
        file.seek(start)
        while content := file.read(_MOST_BYTES):
            whole = content.rpartition(b"\n")
            if not whole[1]:
                return
            yield whole[0] + whole[1]
            file.seek(-len(whole[2]), os.SEEK_CUR)


def _sizes(segments: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for _ in range(2):  # a file that is renamed meanwhile may be missed once
        for path in segments.glob("*"):
            if path.suffix in (OPEN, CLOSED):
                try:
                    sizes[path.stem] = path.stat().st_size
                except FileNotFoundError:
                    continue
    return sizes
