"""Number of requests that ran at the same time, and share of time in which any ran.

A request runs from the end of its wait in the queue to the end of its answer; refused ones never ran. Between two
starts or ends the number stays the same, so times the length of such pieces everything is exact.
"""

from typing import TYPE_CHECKING, Any

from gateway.reports.rows import Row, row, rows
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIGURES = (
    "coalesce(max(level), 0)::BIGINT AS peak, coalesce(sum(level * length) / sum(length), 0) AS mean, "
    "coalesce(sum(length) FILTER (level > 0) / sum(length), 0) AS busy_share"
)


_CUT = 15 * 60 * 10**6
"""Microseconds: hours of every time zone begin at one of these."""


def running(connection: "DuckDBPyConnection", span: Span, working_hours: tuple[int, int]) -> dict[str, Any]:
    """Return `peak`, `mean`, `busy_share` (0 to 1): of all, by model, by hour of the day, and in working hours."""
    _pieces(connection, span)
    first, last = working_hours
    working = f"isodow(clock) <= 5 AND hour(clock) >= {first:d} AND hour(clock) < {last:d}"
    every = "model IS NULL"
    peak_at = "arg_max(clock, (level, -epoch_us(clock))) FILTER (level > 0) AS peak_at"
    return {
        "working_hours": list(working_hours),
        "all": row(connection, f"SELECT {_FIGURES}, {peak_at} FROM pieces WHERE {every}"),
        "in_working_hours": row(connection, f"SELECT {_FIGURES} FROM pieces WHERE {every} AND {working}"),
        "by_hour": _by_hour(connection, f"{every} AND isodow(clock) <= 5"),
        "models": rows(
            connection,
            f"SELECT model, {_FIGURES}, "
            f"coalesce(sum(length) FILTER ({working} AND level > 0) / sum(length) FILTER ({working}), 0) "
            "AS busy_share_in_working_hours FROM pieces "
            "WHERE model IS NOT NULL GROUP BY model ORDER BY mean DESC, model",
        ),
    }


def _by_hour(connection: "DuckDBPyConnection", where: str) -> list[Row]:
    """Return the values by hour of the days from Monday to Friday."""
    return rows(
        connection, f"SELECT hour(clock) AS hour, {_FIGURES} FROM pieces WHERE {where} GROUP BY ALL ORDER BY ALL"
    )


def _pieces(connection: "DuckDBPyConnection", span: Span) -> None:
    """Make table `pieces`: model (NULL = all), `clock`, `length` in microseconds, `level`; cut at quarters of hours.

    Numbers stand for the models meanwhile: they are sorted in half the time. 0 is all.
    """
    begin, end = (f"epoch_us(TIMESTAMP '{moment}')" for moment in (span.start, span.end))
    ran = (
        "SELECT model, epoch_us(started_at) + 1000 * coalesce(queue_ms, 0) AS begins, "
        f"least(epoch_us(started_at) + 1000 * duration_ms, {end}) AS ends FROM month "
        "WHERE outcome <> 'refused' AND model IS NOT NULL AND begins < ends"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE names AS SELECT model, (row_number() OVER (ORDER BY model))::SMALLINT AS id "
        f"FROM (SELECT DISTINCT model FROM ({ran})) UNION ALL SELECT NULL, 0"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE pieces AS WITH ran AS (SELECT id, begins, ends "
        f"FROM ({ran}) JOIN names USING (model)), "
        "steps AS (SELECT id, begins AS moment, 1 AS change FROM ran UNION ALL SELECT id, ends, -1 FROM ran), "
        "changes AS (FROM steps UNION ALL SELECT 0, moment, change FROM steps "
        f"UNION ALL SELECT id, unnest(generate_series({begin}, {end}, {_CUT})), 0 FROM names), "
        "levels AS (SELECT id, moment, sum(change) OVER ordered AS level, "
        "lead(moment) OVER ordered - moment AS length FROM changes "
        "WINDOW ordered AS (PARTITION BY id ORDER BY moment ROWS UNBOUNDED PRECEDING)) "
        f"SELECT model, {span.local.replace('started_at', 'make_timestamp(moment)')} AS clock, length, "
        "level::INTEGER AS level FROM levels JOIN names USING (id) WHERE length > 0"
    )
