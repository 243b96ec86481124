"""Limits of one process, in memory; spending is restored from the ledger at start."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from cachetools import FIFOCache

from gateway.limits.counters import Counter, Rate, Running, Spent, TokenRate
from gateway.limits.limit import UNREACHABLE, Demand, Limit, LimitStatus, Reservation
from gateway.limits.reached import LimitReached
from gateway.limits.windows import Calendar
from gateway.spending.days import day_of
from gateway.spending.reader import SpendingReader

TTL_SECONDS = 3600.0
"""A reservation that nobody settled is given up after this; no request runs longer."""
CHECKPOINT_SECONDS = 60.0
_EXPIRED_KEPT = 10_000
_COUNTERS_AT_LEAST = 1024
_NOTHING = Demand()


class MemoryLimiter:
    """Counts in this process. Everything happens between two awaits, so it is atomic."""

    def __init__(
        self,
        data_dir: Path | None = None,
        clock: Callable[[], float] = time.time,
        ttl_seconds: float = TTL_SECONDS,
    ) -> None:
        self._clock = clock
        self._ttl = ttl_seconds
        self._spending = SpendingReader(data_dir, clock) if data_dir else None
        self._calendar = Calendar()
        self._counters: dict[tuple[str, str], Counter] = {}
        self._sweep_at = _COUNTERS_AT_LEAST
        self._open: OrderedDict[str, tuple[Reservation, list[Counter]]] = OrderedDict()
        self._expired: FIFOCache[str, None] = FIFOCache(_EXPIRED_KEPT)
        """Ids of expired reservations, which may still be settled once."""
        self._checkpoints: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn from the ledger what was spent. A month of it takes a while the first time, milliseconds later."""
        self._calendar.turn(self._clock())
        if self._spending:
            for scope, days in (await asyncio.to_thread(self._spending.restore)).items():
                self._counters[scope, "budget"] = Spent(self._calendar, days)
            await asyncio.to_thread(self._spending.save)
            self._sweep_at = max(self._sweep_at, 2 * len(self._counters))
            self._checkpoints = asyncio.create_task(self._keep_checkpoints(self._spending), name="spending")

    async def stop(self) -> None:
        if self._checkpoints and self._spending:
            self._checkpoints.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checkpoints
            await asyncio.to_thread(_checkpoint, self._spending)

    @property
    def healthy(self) -> bool:
        return True

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        now = self._turn()
        if existing := self._open.get(request_id):
            return existing[0]
        counters: list[Counter] = []
        for limit in limits:
            counter = self._counters.get((limit.scope, limit.kind)) or self._counter(limit)
            if not counter.fits(limit, demand, now) and limit.hard:
                raise LimitReached(counter.status(limit, now), demand, now, self._statuses(limits, now))
            if counter not in counters:
                counters.append(counter)
        for counter in counters:
            counter.hold(demand)
        reservation = Reservation(request_id, tuple(limits), demand, now, now + self._ttl)
        self._open[request_id] = reservation, counters
        return reservation

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """Settle a reservation. One that has expired meanwhile still counts, as its request was real."""
        self._turn()
        held = self._open.pop(reservation.id, None)
        if held:
            day = day_of(reservation.began_at)
            for counter in held[1]:
                counter.drop(reservation.demand, used, day)
        elif reservation.id in self._expired:
            del self._expired[reservation.id]
            self._spend(reservation, used.cost_nano_usd)

    async def release(self, reservation: Reservation) -> None:
        await self.settle(reservation, _NOTHING)

    def learn(self, scope: str, days: Mapping[int, int]) -> None:
        """Raise a scope's sums by day to those given; larger ones stay."""
        self._turn()
        spender = self._counter(Limit(scope, "budget", UNREACHABLE))
        assert isinstance(spender, Spent)
        spender.learn(days)

    def adopt(self, reservation: Reservation) -> None:
        """Hold the cost and the place of a reservation that another limiter made; its minute was counted there."""
        now = self._turn()
        if reservation.id in self._open:
            return
        limits = [limit for limit in reservation.limits if limit.kind in ("budget", "parallel")]
        counters = list(dict.fromkeys(map(self._counter, limits)))
        for counter in counters:
            counter.hold(reservation.demand)
        kept = msgspec.structs.replace(reservation, expires_at=now + self._ttl)
        self._open[reservation.id] = kept, counters

    async def status(self, limits: Sequence[Limit]) -> list[LimitStatus]:
        now = self._turn()
        return [self._counter(limit).status(limit, now) for limit in limits]

    @property
    def remembered(self) -> int:
        """How many counts are kept; idle ones go."""
        return len(self._counters)

    def _turn(self) -> float:
        """Expire reservations; return the time. All live equally long, so the oldest is the first."""
        now = self._clock()
        self._calendar.turn(now)
        while self._open and (oldest := next(iter(self._open.values()))[0]).expires_at <= now:
            for counter in self._open.pop(oldest.id)[1]:
                counter.drop(oldest.demand, Demand(tokens=oldest.demand.tokens), self._calendar.today)
            self._expired[oldest.id] = None
        if len(self._counters) > self._sweep_at:
            self._sweep(now)
        return now

    def _spend(self, reservation: Reservation, nano_usd: int) -> None:
        day = day_of(reservation.began_at)
        spenders = {self._counter(limit) for limit in reservation.limits if limit.kind == "budget"}
        for spender in spenders:
            if isinstance(spender, Spent):
                spender.spend(day, nano_usd)

    def _statuses(self, limits: Sequence[Limit], now: float) -> tuple[LimitStatus, ...]:
        finite = [limit for limit in limits if limit.amount < UNREACHABLE]
        return tuple([self._counter(limit).status(limit, now) for limit in finite])

    def _counter(self, limit: Limit) -> Counter:
        name = (limit.scope, limit.kind)
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = self._new(limit)
        return counter

    def _new(self, limit: Limit) -> Counter:
        if limit.kind == "budget":
            return Spent(self._calendar)
        if limit.kind == "parallel":
            return Running()
        return TokenRate() if limit.kind == "tokens" else Rate()

    def _sweep(self, now: float) -> None:
        """Drop idle counters; the more there are, the rarer this runs."""
        self._counters = {name: each for name, each in self._counters.items() if not each.idle(now)}
        self._sweep_at = max(_COUNTERS_AT_LEAST, 2 * len(self._counters))

    async def _keep_checkpoints(self, spending: SpendingReader) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            await asyncio.to_thread(_checkpoint, spending)


def _checkpoint(spending: SpendingReader) -> None:
    spending.advance()
    spending.save()
