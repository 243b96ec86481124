"""Requests and tokens by day, kind and model."""

from typing import TYPE_CHECKING

from gateway.reports.rows import Row, row, rows
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SUMS = (
    "count(*) AS requests, count(DISTINCT person) AS people, sum(input_tokens)::BIGINT AS input_tokens, "
    "sum(output_tokens)::BIGINT AS output_tokens, sum(cached_input_tokens)::BIGINT AS cached_input_tokens, "
    "coalesce(sum(cost_nano_usd), 0)::BIGINT / 1e9 AS cost_usd"
)
_TOTALS = (
    "count(*) AS requests, count(DISTINCT person) AS people, coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens, "
    "coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens, "
    "coalesce(sum(cached_input_tokens), 0)::BIGINT AS cached_input_tokens, "
    "coalesce(sum(cost_nano_usd), 0)::BIGINT / 1e9 AS cost_usd, "
    "count(*) FILTER (outcome = 'ok') AS ok, count(*) FILTER (outcome = 'error') AS errors, "
    "count(*) FILTER (outcome = 'refused') AS refused, count(*) FILTER (outcome = 'cancelled') AS cancelled, "
    "count(*) FILTER (cost_nano_usd IS NULL AND input_tokens + output_tokens > 0) AS without_price, "
    "count(DISTINCT clock::DATE) AS days_with_traffic, count(DISTINCT model) AS models, "
    "count(*) FILTER (kind = 'embedding') AS embedding_requests, "
    "coalesce(sum(input_tokens) FILTER (kind = 'embedding'), 0)::BIGINT AS embedding_tokens, "
    "coalesce(sum(cost_nano_usd) FILTER (kind = 'embedding'), 0)::BIGINT / 1e9 AS embedding_cost_usd"
)


def totals(connection: "DuckDBPyConnection", span: Span) -> Row:
    found = row(connection, f"SELECT {_TOTALS} FROM month")
    return {"from": str(span.first), "to": str(span.last), "timezone": span.zone, "days": span.days, **found}


def kinds(connection: "DuckDBPyConnection") -> list[Row]:
    """Return the busiest models first, with their share of all requests."""
    share = "count(*) / sum(count(*)) OVER () AS share"
    return rows(connection, f"SELECT kind, {_SUMS}, {share} FROM month GROUP BY kind ORDER BY requests DESC, kind")


def models(connection: "DuckDBPyConnection") -> list[Row]:
    """Return models, those with most tokens first; `cache_share` is of the input."""
    cached = "coalesce(sum(cached_input_tokens) / nullif(sum(input_tokens), 0), 0) AS cache_share"
    return rows(
        connection,
        f"SELECT coalesce(model, '–') AS model, {_SUMS}, {cached} FROM month "
        "GROUP BY ALL ORDER BY sum(input_tokens + output_tokens) DESC, 1",
    )


def requests_by_day(connection: "DuckDBPyConnection") -> list[Row]:
    return rows(
        connection, "SELECT clock::DATE AS day, kind, count(*) AS requests FROM month GROUP BY ALL ORDER BY ALL"
    )


def tokens_by_day(connection: "DuckDBPyConnection") -> list[Row]:
    return rows(
        connection,
        "SELECT clock::DATE AS day, coalesce(model, '–') AS model, sum(input_tokens + output_tokens)::BIGINT AS tokens "
        "FROM month GROUP BY ALL HAVING tokens > 0 ORDER BY ALL",
    )


def cache_by_day(connection: "DuckDBPyConnection") -> list[Row]:
    """Return the share of cached input tokens by day."""
    return rows(
        connection,
        "SELECT clock::DATE AS day, sum(cached_input_tokens) / sum(input_tokens) AS share FROM month "
        "GROUP BY ALL HAVING sum(input_tokens) > 0 ORDER BY ALL",
    )
