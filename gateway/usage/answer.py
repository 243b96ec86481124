"""`python -m gateway.usage.answer FILE`: one question about usage as JSON on standard input, its answer as JSON.

A process of its own, so that a serving worker neither grows by DuckDB's 60 MB nor waits for it.
"""

import sys
from pathlib import Path

import msgspec

from gateway.errors import SekishoError
from gateway.preflight import load
from gateway.usage.answers import Asked
from gateway.usage.questions import ask
from gateway.usage.summary import Question, summary


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    question = Question(asked.span, asked.by, asked.only, asked.limit)
    try:
        told = ask(load(Path(sys.argv[1])).config, asked.span, lambda connection: summary(connection, question))
    except SekishoError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
