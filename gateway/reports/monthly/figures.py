"""Compute every number of the report as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.reports.dimensions import KIND, PERSON
from gateway.reports.monthly import bursts, comparison, failures, latency, people, running, traffic
from gateway.reports.monthly.comparison import OnPremises, PricedModel
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings of a report."""

    span: Span
    hide_names: bool = False
    working_hours: tuple[int, int] = (9, 18)
    """First and last working hour of Monday to Friday."""
    priced: Sequence[PricedModel] = ()
    embedding: PricedModel | None = None
    """Price of embeddings elsewhere."""
    own: OnPremises = field(default_factory=OnPremises)


def collect(connection: "DuckDBPyConnection", wanted: Wanted) -> dict[str, Any]:
    """Return all figures of a span. Shares are 0 to 1, money USD, times milliseconds, moments in its time zone."""
    _take(connection, wanted.span)
    totals = traffic.totals(connection, wanted.span)
    return {
        "totals": totals,
        "kinds": traffic.kinds(connection),
        "models": traffic.models(connection),
        "requests_by_day": traffic.requests_by_day(connection),
        "tokens_by_day": traffic.tokens_by_day(connection),
        "cache_by_day": traffic.cache_by_day(connection),
        "per_person": people.distribution(connection),
        "teams": people.teams(connection),
        "people": people.people(connection, hide_names=wanted.hide_names),
        "bursts": bursts.bursts(connection, wanted.span),
        "running": running.running(connection, wanted.span, wanted.working_hours),
        "latency": latency.latency(connection),
        "failures": failures.failures(connection),
        "elsewhere": comparison.elsewhere(totals, wanted.priced, wanted.embedding, wanted.own),
    }


def _take(connection: "DuckDBPyConnection", span: Span) -> None:
    """Read the span's records once, with the columns that the figures need."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE month AS SELECT started_at, {span.local} AS clock, model, {KIND} AS kind, "
        f"{PERSON} AS person, team, outcome, status, error_code, coalesce(input_tokens, 0) AS input_tokens, "
        "coalesce(output_tokens, 0) AS output_tokens, coalesce(cached_input_tokens, 0) AS cached_input_tokens, "
        "cost_nano_usd, queue_ms, first_token_ms, duration_ms "
        f"FROM ledger WHERE {span.where}"
    )
