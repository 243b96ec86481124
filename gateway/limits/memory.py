"""Limits of one process, in memory; spending is restored from the ledger at start.

Rates are token buckets: as much as a minute allows at once, then a steady refill. Budgets are sums of days, so
that a budget of any window knows what was spent before it was given.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.limits.limit import Demand, Limit, LimitReached, Reservation, Standing
from gateway.limits.restore import Spending
from gateway.limits.windows import bounds, day_of

TTL_SECONDS = 3600.0
"""A reservation that nobody settled is given up after this; no request runs longer."""
_DAYS_KEPT = 32
_BUCKETS_KEPT = 100_000


@dataclass(slots=True)
class Bucket:
    """A rate's allowance: `level` as of `updated`."""

    level: float
    updated: float

    def refilled(self, amount: int, now: float) -> float:
        self.level = min(float(amount), self.level + (now - self.updated) * amount / 60)
        self.updated = now
        return self.level


class MemoryLimiter:
    """Counts in this process. Everything happens between two awaits, so it is atomic."""

    def __init__(self, data_dir: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spending = Spending(data_dir) if data_dir else None
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._parallel: defaultdict[str, int] = defaultdict(int)
        self._spent: dict[int, defaultdict[str, int]] = {}
        self._reserved: defaultdict[str, int] = defaultdict(int)
        self._open: OrderedDict[str, Reservation] = OrderedDict()

    async def start(self) -> None:
        """Learn from the ledger what was spent. A month of it takes a while the first time, milliseconds later."""
        if self._spending:
            days: Mapping[int, Mapping[str, int]] = self._spending.read()
            self._spent = {day: defaultdict(int, scopes) for day, scopes in days.items()}

    async def stop(self) -> None:
        if self._spending:
            self._spending.save()

    @property
    def healthy(self) -> bool:
        return True

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        now = self._clock()
        self._expire(now)
        if known := self._open.get(request_id):
            return known
        for limit in limits:
            if limit.hard:
                self._check(limit, demand, now)
        made = Reservation(request_id, tuple(limits), demand, now, now + TTL_SECONDS)
        self._open[request_id] = made
        self._hold(made, now)
        return made

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """One that has expired meanwhile still counts, as its request was real."""
        if self._open.pop(reservation.id, None) is None and reservation.expires_at > self._clock():
            return
        if reservation.expires_at > self._clock():
            self._let_go(reservation)
        day = self._spent.setdefault(day_of(reservation.began_at), defaultdict(int))
        now = self._clock()
        for limit in reservation.limits:
            if limit.kind == "budget":
                day[limit.scope] += used.cost_nano_usd
            elif limit.kind == "tokens":
                bucket = self._bucket(limit, now)
                bucket.level = min(float(limit.amount), bucket.level + reservation.demand.tokens - used.tokens)

    async def standing(self, limits: Sequence[Limit]) -> list[Standing]:
        now = self._clock()
        return [self._standing(limit, now) for limit in limits]

    def _check(self, limit: Limit, demand: Demand, now: float) -> None:
        """Raises `LimitReached` where there is no room. More than a whole minute's tokens may go when all is free."""
        standing = self._standing(limit, now)
        wanted = min(_wanted(limit, demand), limit.amount) if limit.kind == "tokens" else _wanted(limit, demand)
        if wanted <= standing.left and standing.left > 0:
            return
        retry_after = standing.resets_in
        if limit.kind in ("requests", "tokens"):
            retry_after = (wanted - standing.left) * 60 / limit.amount if limit.amount else 60.0
        raise LimitReached(standing, retry_after)

    def _standing(self, limit: Limit, now: float) -> Standing:
        if limit.kind == "parallel":
            return Standing(limit, used=self._parallel.get(limit.scope, 0), resets_in=1.0)
        if limit.kind == "budget":
            begin, end = bounds(limit.window or "month", now)
            return Standing(limit, self._spent_since(limit.scope, begin), self._reserved.get(limit.scope, 0), end - now)
        level = self._bucket(limit, now).refilled(limit.amount, now)
        missing = limit.amount - level
        return Standing(
            limit, used=-int(-missing // 1), resets_in=missing * 60 / limit.amount if limit.amount else 60.0
        )

    def _hold(self, made: Reservation, now: float) -> None:
        for limit in made.limits:
            if limit.kind == "parallel":
                self._parallel[limit.scope] += 1
            elif limit.kind == "budget":
                self._reserved[limit.scope] += made.demand.cost_nano_usd
            else:
                self._bucket(limit, now).level -= _wanted(limit, made.demand)

    def _let_go(self, made: Reservation) -> None:
        for limit in made.limits:
            held = {"parallel": self._parallel, "budget": self._reserved}.get(limit.kind)
            if held is None:
                continue
            held[limit.scope] -= 1 if limit.kind == "parallel" else made.demand.cost_nano_usd
            if held[limit.scope] <= 0:
                del held[limit.scope]

    def _expire(self, now: float) -> None:
        """Reservations all live equally long, so the oldest is the first to go."""
        while self._open and (oldest := next(iter(self._open.values()))).expires_at <= now:
            del self._open[oldest.id]
            self._let_go(oldest)
        for day in [day for day in self._spent if day < day_of(now) - _DAYS_KEPT]:
            del self._spent[day]

    def _bucket(self, limit: Limit, now: float) -> Bucket:
        name = (limit.scope, limit.kind)
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(float(limit.amount), now)
            if len(self._buckets) > _BUCKETS_KEPT:
                self._buckets.popitem(last=False)
        return bucket

    def _spent_since(self, scope: str, begin: float) -> int:
        first = day_of(begin)
        return sum(scopes.get(scope, 0) for day, scopes in self._spent.items() if day >= first)


def _wanted(limit: Limit, demand: Demand) -> int:
    return {"requests": 1, "parallel": 1, "tokens": demand.tokens, "budget": demand.cost_nano_usd}[limit.kind]
