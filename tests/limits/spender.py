"""A process that spends: `python -m tests.limits.spender URL DATA_DIR NAME REQUESTS SECONDS LEASE`.

Reserves and settles all requests at once, each running up to SECONDS, and prints how many went through.
"""

import asyncio
import contextlib
import random
import sys
from pathlib import Path

from gateway.errors import Overloaded
from gateway.limits.limit import Demand, Limit, Reservation
from gateway.limits.reached import LimitReached
from gateway.limits.shared import RedisLimiter
from tests.limits.gate import TEAM, USD, Gate

ESTIMATE = Demand(tokens=1000, cost_nano_usd=USD // 100)
BUDGET = Limit(TEAM, "budget", USD, "month")
RUNNING = Limit(TEAM, "parallel", 1000)
LIMITS = [BUDGET, RUNNING]


async def spend(gate: Gate, name: str, seconds: float) -> bool:
    """One request; False where it was refused."""
    await asyncio.sleep(random.random() * 0.5)
    reservation = await _reserved(gate, name)
    if reservation is None:
        return False
    status = await gate.status(BUDGET)
    assert status.used + status.reserved <= USD, status
    await asyncio.sleep(random.random() * seconds)
    await gate.settle(reservation, Demand(tokens=500, cost_nano_usd=random.randint(USD // 200, USD // 100)))
    return True


async def _reserved(gate: Gate, name: str) -> Reservation | None:
    """A machine so busy that the store seems away is no reason to give up."""
    while True:
        with contextlib.suppress(Overloaded):
            try:
                return await gate.reserve(name, LIMITS, ESTIMATE)
            except LimitReached:
                return None
        await asyncio.sleep(0.1)


async def main(url: str, data_dir: str, name: str, requests: int, seconds: float, lease: float) -> None:
    limiter = RedisLimiter(url, Path(data_dir), on_failure="closed", lease_seconds=lease, tick_seconds=0.1)
    gate = Gate(limiter, Path(data_dir))
    await gate.start()
    print("started", flush=True)
    done = await asyncio.gather(*(spend(gate, f"{name}{number}", seconds) for number in range(requests)))
    await gate.stop()
    print(sum(done), flush=True)


if __name__ == "__main__":
    address, path, called, count, longest, lease_seconds = sys.argv[1:]
    asyncio.run(main(address, path, called, int(count), float(longest), float(lease_seconds)))
