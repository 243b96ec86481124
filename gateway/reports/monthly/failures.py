"""Errors, refusals and cancellations."""

from typing import TYPE_CHECKING, Any

from gateway.reports.rows import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_CODES = 15


def failures(connection: "DuckDBPyConnection") -> dict[str, Any]:
    """Return errors, refusals and cancellations by day and by code."""
    return {
        "by_day": rows(
            connection,
            "SELECT clock::DATE AS day, outcome, count(*) AS requests FROM month WHERE outcome <> 'ok' "
            "GROUP BY ALL ORDER BY ALL",
        ),
        "codes": rows(
            connection,
            "SELECT outcome, error_code AS code, status, count(*) AS requests FROM month WHERE outcome <> 'ok' "
            f"GROUP BY ALL ORDER BY requests DESC, outcome, code, status LIMIT {_MOST_CODES}",
        ),
    }
