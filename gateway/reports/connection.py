"""Run queries on the ledger: find its files, open it in DuckDB, close it. Blocks; not for an event loop.

Importing DuckDB takes a quarter of a second and 60 MB; a serving worker uses `gateway.reports.query_runner` instead.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.config.schema import Config
from gateway.ledger.duck import is_of_files, last_line
from gateway.ledger.errors import StoreError
from gateway.ledger.files import holding
from gateway.reports.span import Span
from gateway.reports.view import opened

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

_TRIES = 5
_PAUSE_SECONDS = 0.2


def ask(config: Config, span: Span | None, query: Callable[["DuckDBPyConnection"], T], target: Path | None = None) -> T:
    """Return what `query` returns for a connection to the ledger of a span (or all of it), which may write to `target`.

    The query runs again where files were compacted meanwhile. Raises `StoreError`.
    """
    import duckdb

    days = (span.start.date(), (span.end - timedelta(microseconds=1)).date()) if span else (None, None)
    for left in reversed(range(_TRIES)):
        try:
            with holding(config, *days) as held, opened(held, target=target) as connection:
                return query(connection)
        except duckdb.Error as error:
            if not is_of_files(error):
                raise
            if not left:
                raise StoreError(config.ledger.destination or str(config.data_dir), last_line(error)) from error
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError
