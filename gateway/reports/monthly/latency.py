"""Latency: time to the first token and to the end of the response."""

from typing import TYPE_CHECKING

from gateway.reports.rows import Row, rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def latency(connection: "DuckDBPyConnection") -> list[Row]:
    """Return percentiles in milliseconds of answered requests by model; the busiest first."""
    columns = ", ".join(
        f"quantile_cont({column}, {quantile}) AS {short}_{name}"
        for short, column in (("first_token", "first_token_ms"), ("total", "duration_ms"))
        for name, quantile in QUANTILES.items()
    )
    return rows(
        connection,
        f"SELECT model, count(*) AS requests, {columns} FROM month WHERE outcome = 'ok' AND model IS NOT NULL "
        "GROUP BY model ORDER BY requests DESC, model",
    )
