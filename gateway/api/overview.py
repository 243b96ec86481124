"""`GET /admin/overview`: today, the last 7 and 30 days, each against the time before."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.api.usage import AskedQuery, parse_query
from gateway.identity.keys import KeyStore
from gateway.reports.dimensions import DETAILS, FIRST_TOKEN_BOUNDS
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.span import Span, today_in

PERIODS = (1, 7, 30)
_LONGEST = 2 * max(PERIODS)


class OverviewQuery(AskedQuery):
    """The query: whose days."""

    allowed = "timezone"

    timezone: str = "UTC"


class Figures(msgspec.Struct):
    """Sums of some days. Times are milliseconds; percentiles are good to a step of two."""

    requests: int = 0
    errors: int = 0
    refused: int = 0
    cancelled: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    queued: int = 0
    """Requests that waited for a free place."""
    queue_ms: int = 0
    """Milliseconds that they waited in all."""
    first_token_ms: int | None = None
    """Half of the answers began within this; null where nothing tells."""
    first_token_ms_95: int | None = None
    """95 of 100 answers began within this."""


class Compared(msgspec.Struct):
    """A period of so many days until today, and the same number of days before it."""

    days: int
    now: Figures
    before: Figures


class Overview(msgspec.Struct):
    """What happened lately."""

    today: str
    timezone: str
    periods: list[Compared]


async def admin_overview(_: KeyStore, request: Request) -> Any:
    """Return the figures of each period, from one question by day."""
    asked = parse_query(request.query_params.multi_items(), OverviewQuery)
    answers: QueryRunner = request.app.state.answers
    last = today_in(asked.timezone)
    span = Span(last - timedelta(days=_LONGEST - 1), last, asked.timezone)
    found = msgspec.json.decode(await answers.ask(Query(span, ("day",), details=True)))
    rows = {str(row["day"])[:10]: row for row in found["rows"]}
    return Overview(f"{span.last}", span.zone, [_compared(rows, span, days) for days in PERIODS])


def _compared(rows: Mapping[str, dict[str, Any]], span: Span, days: int) -> Compared:
    return Compared(days, figures(_of(rows, span.last, days)), figures(_of(rows, span.last - timedelta(days), days)))


def _of(rows: Mapping[str, dict[str, Any]], last: date, days: int) -> Iterable[dict[str, Any]]:
    names = (f"{last - timedelta(days=number)}" for number in range(days))
    return [rows[name] for name in names if name in rows]


def figures(rows: Iterable[Mapping[str, Any]]) -> Figures:
    """Return the sums of rows that have the measures of `DETAILS`, too."""
    sums = {name: 0 for name in (*Figures.__struct_fields__, *DETAILS)}
    for row in rows:
        for name in sums:
            sums[name] += row.get(name) or 0
    counts = [sums[f"first_tokens_{number}"] for number in range(len(FIRST_TOKEN_BOUNDS) + 1)]
    told = {name: sums[name] for name in Figures.__struct_fields__ if not name.startswith("first_token")}
    return Figures(**told, first_token_ms=percentile(counts, 0.5), first_token_ms_95=percentile(counts, 0.95))


def percentile(counts: list[int], share: float) -> int | None:
    """Return the milliseconds within which a share of the answers began, between the bounds on a straight line."""
    wanted, low = share * sum(counts), 0
    if not wanted:
        return None
    for count, high in zip(counts, (*FIRST_TOKEN_BOUNDS, FIRST_TOKEN_BOUNDS[-1]), strict=True):
        if count and wanted <= count:
            return round(low + (high - low) * wanted / count)
        wanted, low = wanted - count, high
    return FIRST_TOKEN_BOUNDS[-1]
