"""`python -m gateway.reports.query_process FILE`: answer one query, JSON on standard input, as JSON on standard output.

A process of its own, so that a serving worker neither grows by DuckDB's 60 MB nor waits for it.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.errors import SekishoError
from gateway.preflight import load
from gateway.reports.connection import ask
from gateway.reports.query_runner import Query
from gateway.reports.speeds import speeds
from gateway.reports.summary import Question, summary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def main() -> None:
    query = msgspec.json.decode(sys.stdin.buffer.read(), type=Query)
    try:
        result = ask(load(Path(sys.argv[1])).config, query.span, lambda connection: answered(connection, query))
    except SekishoError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(result))


def answered(connection: "DuckDBPyConnection", query: Query) -> dict[str, Any]:
    """Return the result of a query."""
    if query.kind == "speeds":
        return speeds(connection, query.span)
    return summary(connection, Question(query.span, query.by, query.only, query.limit))


if __name__ == "__main__":
    main()
