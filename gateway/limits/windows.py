"""Calendar windows in UTC, as Unix seconds. A week begins on Monday."""

from datetime import UTC, datetime, timedelta

from gateway.limits.limit import Window

DAY_SECONDS = 86_400


def bounds(window: Window, now: float) -> tuple[float, float]:
    """Begin and end of the window that `now` lies in."""
    if window == "minute":
        begin = now - now % 60
        return begin, begin + 60
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return today.timestamp(), (today + timedelta(days=1)).timestamp()
    if window == "week":
        monday = today - timedelta(days=today.weekday())
        return monday.timestamp(), (monday + timedelta(days=7)).timestamp()
    first = today.replace(day=1)
    return first.timestamp(), (first + timedelta(days=32)).replace(day=1).timestamp()


def day_of(moment: float) -> int:
    """The day's number since 1970, in UTC."""
    return int(moment // DAY_SECONDS)
