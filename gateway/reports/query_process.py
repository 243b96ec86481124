"""`python -m gateway.reports.query_process FILE`: answer one query, JSON on standard input, as JSON on standard output.

A process of its own, so that a serving worker neither grows by DuckDB's 60 MB nor waits for it.
"""

import sys
from pathlib import Path

import msgspec

from gateway.errors import SekishoError
from gateway.preflight import load
from gateway.reports.connection import ask
from gateway.reports.query_runner import Query
from gateway.reports.summary import Question, summary


def main() -> None:
    query = msgspec.json.decode(sys.stdin.buffer.read(), type=Query)
    question = Question(query.span, query.by, query.only, query.limit)
    try:
        result = ask(load(Path(sys.argv[1])).config, query.span, lambda connection: summary(connection, question))
    except SekishoError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
