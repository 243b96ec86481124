"""Counters of one scope, by kind: token buckets of rates, running requests, money by day."""

from collections.abc import Mapping
from typing import Protocol

from gateway.limits.limit import TINY, Demand, Limit, LimitStatus, rate_status
from gateway.limits.windows import Calendar
from gateway.spending.days import DAYS_KEPT


class Counter(Protocol):
    """Counts for every limit of its scope and kind. Times are Unix seconds."""

    def fits(self, limit: Limit, demand: Demand, now: float) -> bool: ...

    def hold(self, demand: Demand) -> None: ...

    def drop(self, demand: Demand, used: Demand, day: int) -> None:
        """Replace a hold that began on `day` by what the request really used."""

    def status(self, limit: Limit, now: float) -> LimitStatus: ...

    def idle(self, now: float) -> bool:
        """Return whether this counter is idle and can be dropped."""


class Rate:
    """A token bucket: a minute's amount at once, then a steady refill. Its level may be a debt."""

    __slots__ = ("_amount", "_level", "_updated")

    def __init__(self) -> None:
        self._level = self._amount = 0.0
        self._updated = 0.0

    def fits(self, limit: Limit, demand: Demand, now: float) -> bool:
        return self._room(limit, now, 1)

    def hold(self, demand: Demand) -> None:
        self._level -= 1

    def drop(self, demand: Demand, used: Demand, day: int) -> None:
        """Do nothing: a request counts in its minute, whatever became of it."""

    def status(self, limit: Limit, now: float) -> LimitStatus:
        return rate_status(limit, self._refilled(limit, now))

    def idle(self, now: float) -> bool:
        return self._level + (now - self._updated) * self._amount / 60 >= self._amount

    def _room(self, limit: Limit, now: float, need: int) -> bool:
        level = self._refilled(limit, now) + TINY
        return level >= 1 and (level >= need or level >= limit.amount)

    def _refilled(self, limit: Limit, now: float) -> float:
        """Return the current level. An amount that was raised adds the difference at once."""
        amount, level = limit.amount, self._level
        if amount != self._amount:
            level += max(0.0, amount - self._amount)
            self._amount = amount
        if now > self._updated:
            level += (now - self._updated) * amount / 60
        self._updated = now
        if level > amount:
            level = amount
        elif level < 0 and not limit.hard:
            level = 0.0
        self._level = level
        return level


class TokenRate(Rate):
    """A token bucket for tokens: an estimate is taken, then corrected by what was used."""

    __slots__ = ()

    def fits(self, limit: Limit, demand: Demand, now: float) -> bool:
        return self._room(limit, now, demand.tokens)

    def hold(self, demand: Demand) -> None:
        self._level -= demand.tokens

    def drop(self, demand: Demand, used: Demand, day: int) -> None:
        level = self._level + demand.tokens - used.tokens
        self._level = level if level < self._amount else self._amount


class Running:
    """Number of requests that run at the same time."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def fits(self, limit: Limit, demand: Demand, now: float) -> bool:
        return self._count < limit.amount

    def hold(self, demand: Demand) -> None:
        self._count += 1

    def drop(self, demand: Demand, used: Demand, day: int) -> None:
        self._count -= 1

    def status(self, limit: Limit, now: float) -> LimitStatus:
        return LimitStatus(limit, used=self._count, resets_in=1.0)

    def idle(self, now: float) -> bool:
        return not self._count


class Spent:
    """Nano-USD by day, so that a budget of any window knows what was spent before it was given."""

    __slots__ = ("_calendar", "_days", "_reserved", "_sums", "_turned")

    def __init__(self, calendar: Calendar, days: dict[int, int] | None = None) -> None:
        self._calendar = calendar
        self._days = days or {}
        self._sums: dict[str | None, int] = {}
        """Nano-USD by window, valid while today is `_turned`."""
        self._turned = calendar.today
        self._reserved = 0

    def fits(self, limit: Limit, demand: Demand, now: float) -> bool:
        """Return whether a request fits. Models without a price are admitted when the budget is exhausted."""
        cost = demand.cost_nano_usd
        return cost == 0 or cost <= limit.amount - self._since(limit) - self._reserved

    def hold(self, demand: Demand) -> None:
        self._reserved += demand.cost_nano_usd

    def drop(self, demand: Demand, used: Demand, day: int) -> None:
        self._reserved -= demand.cost_nano_usd
        if used.cost_nano_usd:
            self.spend(day, used.cost_nano_usd)

    def spend(self, day: int, nano_usd: int) -> None:
        self._days[day] = self._days.get(day, 0) + nano_usd
        if day == self._calendar.today == self._turned:
            for window in self._sums:
                self._sums[window] += nano_usd
        else:
            self._sums.clear()

    def learn(self, days: Mapping[int, int]) -> None:
        """Raise the sums of days to those given; larger ones stay."""
        for day, nano_usd in days.items():
            if nano_usd > self._days.get(day, 0):
                self._days[day] = nano_usd
                self._sums.clear()

    def status(self, limit: Limit, now: float) -> LimitStatus:
        return LimitStatus(limit, self._since(limit), self._reserved, self._calendar.end[limit.window] - now)

    def idle(self, now: float) -> bool:
        oldest = self._calendar.today - DAYS_KEPT
        self._days = {day: sum_ for day, sum_ in self._days.items() if day >= oldest}
        return not self._days and not self._reserved

    def _since(self, limit: Limit) -> int:
        if self._calendar.today != self._turned:
            self._sums.clear()
            self._turned = self._calendar.today
        total = self._sums.get(limit.window)
        if total is None:
            first = self._calendar.first[limit.window]
            total = self._sums[limit.window] = sum(sum_ for day, sum_ in self._days.items() if day >= first)
        return total
