"""What a request's limits take; printed, not asserted, for machines differ."""

import time
from pathlib import Path

from gateway.limits.limit import Demand, Limit
from gateway.limits.memory import MemoryLimiter
from gateway.limits.shared import RedisLimiter
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, PERSON, TEAM

EIGHT = [
    Limit(KEY, "requests", 10**9, "minute"),
    Limit(KEY, "tokens", 10**12, "minute"),
    Limit(KEY, "parallel", 100),
    Limit(KEY, "budget", 10**15, "day"),
    Limit(PERSON, "budget", 10**15, "week"),
    Limit(PERSON, "parallel", 10),
    Limit(TEAM, "budget", 10**15, "month"),
    Limit(TEAM, "tokens", 10**12, "minute"),
]
ESTIMATE, USED = Demand(1000, 5000), Demand(500, 3000)


async def _microseconds(limiter: MemoryLimiter | RedisLimiter, requests: int, rounds: int) -> float:
    """The best round's."""
    best = float("inf")
    for number in range(rounds):
        began = time.perf_counter()
        for each in range(requests):
            reservation = await limiter.reserve(f"{number}-{each}", EIGHT, ESTIMATE)
            await limiter.settle(reservation, USED)
        best = min(best, (time.perf_counter() - began) / requests)
    return best * 1e6


async def test_in_memory() -> None:
    print(f"\nmemory, 8 limits: reserve + settle {await _microseconds(MemoryLimiter(), 2000, 10):.1f} µs", end="")


async def test_in_redis(shared_redis: RedisServer, tmp_path: Path) -> None:
    shared_redis.flush()
    limiter = RedisLimiter(shared_redis.url, tmp_path, tick_seconds=None)
    await limiter.start()
    print(f"\nredis, 8 limits: reserve + settle {await _microseconds(limiter, 200, 5):.0f} µs", end="")
    assert limiter.healthy
    await limiter.stop()
