"""Calendar windows in UTC, as Unix seconds. A week begins on Monday."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from gateway.limits.limit import Window
from gateway.spending.days import day_of


def bounds(window: Window, now: float) -> tuple[float, float]:
    """Return begin and end of the window that contains `now`."""
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


class Calendar:
    """The windows around today, computed once a day."""

    def __init__(self) -> None:
        self.today = -1
        self.first: dict[Window | None, int] = {}
        """The first day of each window."""
        self.end: dict[Window | None, float] = {}

    def turn(self, now: float) -> None:
        """Move to the day of `now`. A budget has at least a day, whatever its window says."""
        if day_of(now) == self.today:
            return
        self.today = day_of(now)
        windows: list[Window] = [window for window in get_args(Window) if window != "minute"]
        for window in windows:
            begin, self.end[window] = bounds(window, now)
            self.first[window] = day_of(begin)
        self.first["minute"], self.end["minute"] = self.first["day"], self.end["day"]
        self.first[None], self.end[None] = self.first["month"], self.end["month"]
