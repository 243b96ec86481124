"""DuckDB over the ledger's files: typed rows of segments and of Parquet. Never imported by a worker at its start."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.ledger.files import Held, names
from gateway.ledger.record import LARGEST_COST, LARGEST_COUNT, LATEST, Record
from gateway.ledger.store import Item, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb import Error as DuckDBError

_SPECIAL = {
    "started_at": "TIMESTAMP",
    "stream": "BOOLEAN",
    "user_groups": "VARCHAR[]",
    "audio_seconds": "DOUBLE",
}
_COUNTS = [
    "status",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "images",
    "search_units",
    "cost_nano_usd",
    "queue_ms",
    "first_token_ms",
    "duration_ms",
    "attempts",
]

COLUMNS: dict[str, str] = {
    name: _SPECIAL.get(name, "BIGINT" if name in _COUNTS else "VARCHAR") for name in Record.__struct_fields__
}
"""The ledger's columns and their DuckDB types, in the record's order."""


MOMENT = f"make_timestamp(CASE WHEN started_at BETWEEN 0 AND {LATEST} THEN started_at ELSE 0 END)"
"""SQL of a segment's `started_at`; 1970 for impossible times."""
SORTED = "user_id, started_at, request_id"
"""Order of rows in a Parquet file: a person's requests together, always in the same order."""
PARQUET_OPTIONS = "(FORMAT parquet, COMPRESSION zstd)"


def connect(temporary: Path, memory: str = "512MB", threads: int = 2) -> "DuckDBPyConnection":
    """Open a database in memory that spills into a folder and cannot reach the network."""
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(temporary),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def ledger_sql(held: Held) -> str:
    """Return a SELECT of all columns over all held files; `mount` first."""
    parts = []
    if held.segments:
        parts.append(rows_of_segments(held.segments))
    if held.parquet:
        parts.append(rows_of_parquet(names(held.parquet, held.store)))
    return " UNION ALL ".join(parts) or rows_of_nothing()


def rows_of_segments(paths: Iterable[Path], more: str = "") -> str:
    """Return a SELECT over JSON lines without torn ones. `more` columns derive from the JSON's and from `filename`."""
    kinds = {**COLUMNS, "started_at": "BIGINT", "crc": "VARCHAR"}
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items())
    selected = ", ".join(f"{MOMENT} AS started_at" if name == "started_at" else _sound(name) for name in COLUMNS)
    options = f"columns={{{columns}}}, filename=true, format='newline_delimited', ignore_errors=true"
    return f"SELECT {selected}{more} FROM read_json({_listed(map(str, paths))}, {options}) WHERE crc IS NOT NULL"


def rows_of_parquet(files: Iterable[str]) -> str:
    """Return a SELECT over Parquet files; all have the columns of a record, so none is opened to read its schema."""
    return f"SELECT {', '.join(map(_sound, COLUMNS))} FROM read_parquet({_listed(files)}, hive_partitioning=false)"


def _sound(name: str) -> str:
    """Return a column as SQL, NULL where its number is out of bounds."""
    if name not in _COUNTS and name != "audio_seconds":
        return name
    most = LARGEST_COST if name == "cost_nano_usd" else LARGEST_COUNT
    other = " ELSE 0" if name in ("status", "attempts") else ""
    return f"CASE WHEN {name} BETWEEN 0 AND {most} THEN {name}{other} END AS {name}"


def rows_of_nothing() -> str:
    columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())
    return f"SELECT {columns} WHERE false"


def mount(connection: "DuckDBPyConnection", store: Store, items: Iterable[Item] = ()) -> None:
    """Let a connection read a store that is no folder, under `sekisho://`; `items` are fetched if they are small."""
    if store.folder is None:
        from gateway.ledger.duckdb_fs import StoreFiles

        files: Any = StoreFiles(store, items)
        files.fetch()
        if connection.filesystem_is_registered(StoreFiles.protocol):
            connection.unregister_filesystem(StoreFiles.protocol)
        connection.register_filesystem(files)


def is_of_files(error: "DuckDBError") -> bool:
    """Return whether a question failed because its files changed or could not be had, not for what it asked.

    What the Parquet reader and our file system raise has no class of its own.
    """
    import duckdb

    return type(error) in (duckdb.IOException, duckdb.Error) or "No magic bytes" in str(error)


def last_line(error: "DuckDBError") -> str:
    """Return what happened without the stack that DuckDB puts before an error of our file system."""
    return str(error).strip().rsplit("\n", 1)[-1][:500]


def quoted(text: str) -> str:
    """Return a string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _listed(files: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, files))}]"
