"""`python -m gateway.reports.query_process FILE`: answer queries, one after the other, from standard input.

A process of its own, so that a serving worker neither grows by DuckDB's 60 MB nor waits for it. It stays while it is
asked, with the sums of the ledger at hand (`gateway.reports.cube`), and ends with its worker. Queries and answers are
JSON behind their length in four bytes; an answer begins with `+`, a problem with `-`.
"""

import sys
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.config.schema import Config
from gateway.errors import SekishoError
from gateway.failures import in_words
from gateway.preflight import load
from gateway.reports.connection import ask
from gateway.reports.cube import Cube
from gateway.reports.query_runner import LENGTH_BYTES, Query
from gateway.reports.speeds import speeds
from gateway.reports.summary import Question, summary

_REFRESH_SECONDS = 4.0
"""How often new records are taken up while nobody asks, so that the next question need not wait for them."""


class Answering:
    """Answers the queries of one worker."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cube: Cube | None = None
        self._ended = threading.Event()

    def run(self, read: BinaryIO, write: BinaryIO) -> None:
        """Answer until the input ends."""
        while (content := _framed(read)) is not None:
            answer = self.answered(content)
            write.write(len(answer).to_bytes(LENGTH_BYTES) + answer)
            write.flush()
        self._ended.set()

    def answered(self, content: bytes) -> bytes:
        """Return the answer to a query, or the problem in words."""
        try:
            query = msgspec.json.decode(content, type=Query)
            return b"+" + msgspec.json.encode(self._result(query))
        except Exception as error:
            words = str(error) if isinstance(error, SekishoError) else in_words(error)
            return b"-" + (words or f"{type(error).__name__}: {error}").encode(errors="replace")

    def _result(self, query: Query) -> object:
        question = Question(query.span, query.by, query.only, query.limit, query.details)
        if query.kind == "speeds":
            return ask(self._config, query.span, lambda connection: speeds(connection, query.span))
        if not query.of_sums:
            return ask(self._config, query.span, lambda connection: summary(connection, question))
        cube = self._cube or self._opened()
        cube.refresh(look_around=False)
        return cube.answer(question)

    def _opened(self) -> Cube:
        self._cube = cube = Cube(self._config)
        threading.Thread(target=self._refresh_forever, args=(cube,), name="refresh", daemon=True).start()
        return cube

    def _refresh_forever(self, cube: Cube) -> None:
        while not self._ended.wait(_REFRESH_SECONDS):
            try:
                cube.refresh()
            except Exception as error:
                # The next question refreshes, too, and tells what is wrong.
                print(f"refresh: {type(error).__name__}", file=sys.stderr)


def _framed(read: BinaryIO) -> bytes | None:
    """Return the next query; None at the end of the input."""
    head = read.read(LENGTH_BYTES)
    return read.read(int.from_bytes(head)) if len(head) == LENGTH_BYTES else None


def main() -> None:
    config = load(Path(sys.argv[1])).config
    Answering(config).run(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
