"""The days of a query, in the caller's time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.errors import InvalidRequest

_EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date
    zone: str = "UTC"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """Return the first moment, as the ledger's UTC time without a zone."""
        return self._midnight(self.first)

    @property
    def end(self) -> datetime:
        """Return the first moment after the span."""
        return self._midnight(self.last + timedelta(days=1))

    @property
    def local(self) -> str:
        """Return SQL of a record's start in the zone; a cheap addition if clocks do not change in the span."""
        offsets = set(self.offsets)
        if offsets == {timedelta(0)}:
            return "started_at"
        if len(offsets) == 1:
            return f"(started_at + INTERVAL '{round(offsets.pop().total_seconds())} seconds')"
        return f"timezone('{ZoneInfo(self.zone).key}', timezone('UTC', started_at))"

    @property
    def offsets(self) -> frozenset[timedelta]:
        """Return the zone's distances from UTC within the span."""
        moments = (self.start + timedelta(hours=12 * half) for half in range(self.days * 2 + 2))
        return frozenset(map(self._offset, moments))

    @property
    def where(self) -> str:
        """SQL that is true for the span's records."""
        return f"started_at >= TIMESTAMP '{self.start}' AND started_at < TIMESTAMP '{self.end}'"

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC).replace(tzinfo=None)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta(0)


def span_of(first: str | None, last: str | None, zone: str = "UTC", now: datetime | None = None) -> Span:
    """Read a span from two texts such as 2026-04-01; without them the calendar month. Raises `InvalidRequest`."""
    today = (now or datetime.now(UTC)).astimezone(_zone(zone)).date()
    begins = day_of("from", first) if first else (day_of("to", last) if last else today).replace(day=1)
    ends = day_of("to", last) if last else _month_end(max(begins, today.replace(day=1)))
    if ends < begins:
        raise InvalidRequest(f"to: {ends} is before from: {begins}; both days are included.", param="to")
    if (ends - begins).days > 3660:
        raise InvalidRequest("from, to: more than ten years.", param="from")
    return Span(begins, ends, zone)


def today_in(zone: str) -> date:
    """Return the day of now in a time zone. Raises `InvalidRequest`."""
    return datetime.now(UTC).astimezone(_zone(zone)).date()


def day_of(name: str, text: str) -> date:
    """Read a day such as 2026-04-30. Raises `InvalidRequest`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day < _EARLIEST or day.year > 9000:
        raise InvalidRequest(f"{name}: {text!r:.40} is not a day such as 2026-04-30.", param=name)
    return day


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest(f"timezone: {name!r:.40} is not one such as Asia/Tokyo.", param="timezone") from error


def last_days(days: int, today: date) -> Span:
    """Return the days up to today in UTC, from `days` before it on."""
    return Span(today - timedelta(days=days), today)
