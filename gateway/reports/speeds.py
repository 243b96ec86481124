"""`speeds`: how fast each model answered, over all people."""

from typing import TYPE_CHECKING, Any

from gateway.reports.rows import rows
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_ROWS = 2000
_FEWEST_TOKENS = 20
"""Output tokens of an answer whose rate says something."""


def speeds(connection: "DuckDBPyConnection", span: Span) -> dict[str, Any]:
    """Return `{from, to, rows}`: of each model the answers and the medians of first token and tokens a second."""
    writing = "nullif(duration_ms - coalesce(first_token_ms, 0), 0)"
    found = rows(
        connection,
        f"""SELECT model, count(*) AS requests, round(median(first_token_ms))::BIGINT AS first_token_ms,
            round(median(output_tokens * 1000.0 / {writing}) FILTER (output_tokens >= {_FEWEST_TOKENS}), 1)
                AS tokens_per_second
            FROM ledger WHERE {span.where} AND outcome = 'ok' AND model IS NOT NULL
            GROUP BY model ORDER BY requests DESC, model LIMIT {_MOST_ROWS:d}""",
    )
    return {"from": str(span.first), "to": str(span.last), "rows": found}
