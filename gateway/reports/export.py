"""Export records as a file for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateway.errors import ConfigError
from gateway.ledger.duck import COLUMNS, quoted
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Format = Literal["csv", "jsonl", "parquet"]

_OPTIONS: dict[Format, str] = {
    "csv": "FORMAT csv, HEADER",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
_FORMULA = "^[=+@\\t\\r-]"
"""How a text begins that a spreadsheet would run."""


def export(connection: "DuckDBPyConnection", span: Span, target: Path, kind: Format) -> int:
    """Write a span's records, oldest first, to a file that the connection may write; return their number."""
    columns = ", ".join(_for_spreadsheets(name) if kind == "csv" else name for name in COLUMNS)
    (count,) = connection.execute(
        f"COPY (SELECT {columns} FROM ledger WHERE {span.where} ORDER BY started_at, request_id) "
        f"TO {quoted(str(target))} ({_OPTIONS[kind]}, USE_TMP_FILE false)"
    ).fetchone() or (0,)
    return int(count)


def _for_spreadsheets(name: str) -> str:
    if COLUMNS[name].endswith("[]"):
        return f"array_to_string({name}, ';') AS {name}"
    if COLUMNS[name] != "VARCHAR":
        return name
    return f"CASE WHEN regexp_matches({name}, '{_FORMULA}') THEN '''' || {name} ELSE {name} END AS {name}"


def format_of(target: Path) -> Format:
    """Return the format of a file by its suffix. Raises `ConfigError`."""
    for known in _OPTIONS:
        if target.suffix == f".{known}":
            return known
    raise ConfigError(f"{target}: name it .{', .'.join(_OPTIONS)}, or say which with --format.")
