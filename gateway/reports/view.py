"""DuckDB with the ledger as one view, `ledger`, over segments and Parquet, each record once.

After the view is made nothing else can be reached: no other file, no network, no Python object, no setting.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.ledger.duck import connect, ledger_sql, mount, quoted
from gateway.ledger.files import Held, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "640MB"
"""Memory limit of DuckDB, which spills beyond it; the process stays below 1 GB."""
_SPILLED = "50GB"

_PARTITIONS = "strftime(started_at, '%Y-%m-%d') AS dt, strftime(started_at, '%H') AS hour"
"""As Athena has them, so that the same queries work in both."""


@contextmanager
def opened(held: Held, memory: str = MEMORY, target: Path | None = None) -> Iterator["DuckDBPyConnection"]:
    """Open a connection that can read `ledger` and nothing else, and write to `target`."""
    with (
        tempfile.TemporaryDirectory(prefix="sekisho-usage-") as scratch,
        connect(Path(scratch), memory) as connection,
    ):
        mount(connection, held.store, held.parquet)
        # The files' footers are read once, and not again for each question.
        connection.execute("SET parquet_metadata_cache = true")
        connection.execute(f"CREATE VIEW ledger AS SELECT *, {_PARTITIONS} FROM ({ledger_sql(held)})")
        _lock(
            connection, [*map(str, held.segments), *names(held.parquet, held.store), *([str(target)] if target else [])]
        )
        yield connection


def _lock(connection: "DuckDBPyConnection", files: Sequence[str]) -> None:
    for setting in (
        "python_enable_replacements = false",
        "preserve_insertion_order = false",
        f"max_temp_directory_size = '{_SPILLED}'",
        f"allowed_paths = [{', '.join(map(quoted, files))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
