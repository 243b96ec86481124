"""A limiter with the ledger beside it, as the gateway has them: a record first, then the settlement."""

from datetime import UTC, datetime
from pathlib import Path

from gateway.config.schema import Ledger
from gateway.ledger.record import Record
from gateway.ledger.writer import SegmentWriter
from gateway.limits.limit import Demand, Limit, LimitStatus, Reservation
from gateway.limits.memory import MemoryLimiter
from gateway.limits.shared import RedisLimiter

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC).timestamp()
USD = 10**9
KEY, PERSON, TEAM = "key:k1", "person:alice@example.com", "team:research"


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Gate:
    """Reserves and settles; `status` is of what has been published."""

    def __init__(self, limiter: MemoryLimiter | RedisLimiter, data_dir: Path, clock: Clock | None = None) -> None:
        self.limiter = limiter
        self.clock = clock
        self.ledger = SegmentWriter(data_dir, Ledger())
        self._stopped = False

    async def start(self) -> None:
        self.ledger.start()
        await self.limiter.start()

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self.ledger.stop()
        await self.limiter.stop()

    async def reserve(self, name: str, limits: list[Limit], demand: Demand | None = None) -> Reservation:
        return await self.limiter.reserve(name, limits, demand or Demand())

    async def settle(self, reservation: Reservation, used: Demand | None = None) -> None:
        used = used or Demand()
        self.ledger.write(record_of(reservation, used))
        await self.limiter.settle(reservation, used)
        if self.clock and isinstance(self.limiter, RedisLimiter):
            await self.limiter.publish()

    async def status(self, limit: Limit) -> LimitStatus:
        (found,) = await self.limiter.status([limit])
        return found


def record_of(reservation: Reservation, used: Demand) -> Record:
    """Names who has a budget, as in the gateway everybody has."""
    names = dict(limit.scope.split(":", 1) for limit in reservation.limits if limit.kind == "budget")
    return Record(
        request_id=reservation.id,
        started_at=round(reservation.began_at * 1e6),
        api="chat",
        outcome="ok",
        key_id=names.get("key"),
        user_email=names.get("person"),
        team=names.get("team"),
        output_tokens=used.tokens,
        cost_nano_usd=used.cost_nano_usd,
    )
