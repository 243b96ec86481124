"""Days and hours of whoever asks: default months, wrong days, clocks that are changed."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import InvalidRequest
from gateway.ledger.record import Record
from gateway.reports.connection import ask
from gateway.reports.span import Span, span_of
from gateway.reports.summary import Question, summary
from tests.reports.ledgers import Ledger

NOW = datetime(2026, 2, 28, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "zone", "days"),
    [
        (None, None, "UTC", ("2026-02-01", "2026-02-28")),
        (None, None, "Asia/Tokyo", ("2026-03-01", "2026-03-31")),
        ("2026-01-15", None, "UTC", ("2026-01-15", "2026-02-28")),
        (None, "2024-02-10", "UTC", ("2024-02-01", "2024-02-10")),
        ("2024-02-29", "2024-02-29", "UTC", ("2024-02-29", "2024-02-29")),
    ],
)
def test_what_is_not_said_is_this_month(first: str | None, last: str | None, zone: str, days: tuple[str, str]) -> None:
    span = span_of(first, last, zone, NOW)
    assert (str(span.first), str(span.last)) == days


@pytest.mark.parametrize(
    ("first", "last", "zone"),
    [
        ("2026-02-30", None, "UTC"),
        ("yesterday", None, "UTC"),
        ("1970-01-01", None, "UTC"),
        ("9999-12-31", None, "UTC"),
        ("2026-03-02", "2026-03-01", "UTC"),
        ("2000-01-01", "2026-01-01", "UTC"),
        (None, None, "Mars/Base"),
        (None, None, "../../etc/passwd"),
        (None, None, "/etc/passwd"),
        (None, None, "UTC'; DROP VIEW ledger; --"),
        (None, None, ""),
    ],
)
def test_wrong_days_and_zones_are_refused(first: str | None, last: str | None, zone: str) -> None:
    with pytest.raises(InvalidRequest):
        span_of(first, last, zone, NOW)


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Tokyo", "Asia/Kathmandu", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("first", [date(2026, 3, 1), date(2026, 10, 1)])
def test_hours_are_those_of_the_clock_on_the_wall(tmp_path: Path, zone: str, first: date) -> None:
    """Also in months in which it is put forward or back."""
    span = Span(first, date(2026, first.month + 1, 9), zone)
    begins = int(datetime(2026, first.month, 1, tzinfo=UTC).timestamp()) - 86400
    moments = range(begins, begins + 43 * 86400, 3571)
    ledger = Ledger(tmp_path)
    ledger.write(Record(request_id=str(at), started_at=at * 10**6, api="chat") for at in moments)
    question = Question(span, ("day", "hour_of_day"))
    told = ask(ledger.config, span, lambda connection: summary(connection, question))
    on_the_wall = [datetime.fromtimestamp(at, ZoneInfo(zone)) for at in moments]
    true = Counter((str(at.date()), at.hour) for at in on_the_wall if span.first <= at.date() <= span.last)
    assert {(row["day"], row["hour_of_day"]): row["requests"] for row in told["rows"]} == true
