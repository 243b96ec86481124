"""`usage sql`: one question in SQL, read-only, bounded in time, memory and rows."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidRequest
from gateway.ledger.duck import is_of_files

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


OUT_OF_TIME = "sql: not answered within {seconds:g} seconds; ask for fewer days (`WHERE dt >= …`)."


@dataclass(frozen=True, slots=True)
class Table:
    """An answer; `more`: there are rows beyond these."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool = False


def run(
    connection: "DuckDBPyConnection",
    text: str,
    begun: Callable[[], None] = lambda: None,
    *,
    seconds: float = 60,
    limit: int = 10_000,
) -> Table:
    """Return the answer to one SELECT over `ledger`; `begun` is called when its time begins.

    Raises `InvalidRequest` with what is wrong with it.
    """
    import duckdb

    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.start()
    begun()
    try:
        cursor = connection.execute(_one_select(connection, text))
        rows = cursor.fetchmany(limit + 1)
        return Table(tuple(column[0] for column in cursor.description or ()), rows[:limit], len(rows) > limit)
    except duckdb.InterruptException:
        raise InvalidRequest(OUT_OF_TIME.format(seconds=seconds)) from None
    except duckdb.Error as error:
        if is_of_files(error):
            raise
        raise InvalidRequest(f"sql: {error}") from error
    finally:
        alarm.cancel()


def _one_select(connection: "DuckDBPyConnection", text: str) -> Any:
    """Check that a statement only reads; the connection could reach no other file even if it did not."""
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InvalidRequest(
            "sql: exactly one SELECT over the view 'ledger' is allowed (DESCRIBE ledger lists its columns)."
        )
    return statements[0]
