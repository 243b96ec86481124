"""Count the requests that arrive in the seconds after each request's arrival, itself included."""

from typing import TYPE_CHECKING

from gateway.reports.rows import Row, row, rows
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SECONDS = (6, 60)


def bursts(connection: "DuckDBPyConnection", span: Span) -> list[Row]:
    """Return for each length: the highest count and its time, mean, 99th percentile, and a histogram."""
    return [_bursts(connection, seconds, span) for seconds in SECONDS]


def _bursts(connection: "DuckDBPyConnection", seconds: int, span: Span) -> Row:
    """Pass once over beginnings (1) and ends (0) of windows: the n-th to end is the n-th that began.

    Counted in UTC: at the end of summer time the clock shows the same hour twice.
    """
    peak_at = span.local.replace("started_at", "make_timestamp(arg_max(moment, (arrivals, -moment)))")
    length = seconds * 10**6
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE arrivals AS WITH "
        "steps AS (SELECT epoch_us(started_at) AS moment, 1 AS begins FROM month "
        f"UNION ALL SELECT epoch_us(started_at) + {length}, 0 FROM month), "
        "passed AS (SELECT moment, begins, sum(begins) OVER ordered AS begun, row_number() OVER ordered AS number "
        "FROM steps WINDOW ordered AS (ORDER BY moment, begins ROWS UNBOUNDED PRECEDING)) "
        f"SELECT moment - {length} AS moment, (begun - (number - begun) + 1)::BIGINT AS arrivals "
        "FROM passed WHERE begins = 0"
    )
    told = row(
        connection,
        f"SELECT coalesce(max(arrivals), 0) AS peak, {peak_at} AS peak_at, "
        "avg(arrivals) AS mean, quantile_disc(arrivals, 0.99) AS p99 FROM arrivals",
    )
    histogram = rows(connection, "SELECT arrivals, count(*) AS requests FROM arrivals GROUP BY ALL ORDER BY ALL")
    return {"seconds": seconds, **told, "histogram": histogram}
