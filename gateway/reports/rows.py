"""Results of DuckDB as plain data."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]


def rows(connection: "DuckDBPyConnection", sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """Return rows as dictionaries; days as 2026-04-01, times as 2026-04-01T13:00."""
    cursor = connection.execute(sql, list(values))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]


def row(connection: "DuckDBPyConnection", sql: str) -> Row:
    """Return the only row of a result."""
    (only,) = rows(connection, sql)
    return only


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes" if not value.second and not value.microsecond else "auto")
    return str(value) if isinstance(value, date) else value
