"""`usage sql`: one question in SQL, read-only, bounded in time, memory and rows."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Table:
    """An answer; `more`: there are rows beyond these."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool = False


def run(connection: "DuckDBPyConnection", text: str, *, seconds: float = 60, limit: int = 10_000) -> Table:
    """The answer to one SELECT over `ledger`. Raises `InvalidRequest` with what is wrong with it."""
    import duckdb

    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.start()
    try:
        found = connection.execute(_one_select(connection, text))
        rows = found.fetchmany(limit + 1)
        return Table(tuple(column[0] for column in found.description or ()), rows[:limit], len(rows) > limit)
    except duckdb.InterruptException:
        raise InvalidRequest(
            f"sql: not answered within {seconds:g} seconds; ask for fewer days (`WHERE dt >= …`)."
        ) from None
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        raise InvalidRequest(f"sql: {error}") from error
    finally:
        alarm.cancel()


def _one_select(connection: "DuckDBPyConnection", text: str) -> Any:
    """What only reads; the connection could reach no other file even if it were something else."""
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise InvalidRequest(
            "sql: exactly one SELECT over the view 'ledger' is allowed (DESCRIBE ledger lists its columns)."
        )
    return statements[0]
