"""Limits shared by several processes and machines, counted in Redis or Valkey.

What runs and what is reserved is held there under a lease that its process prolongs, so a killed process leaves
nothing for long. What was spent comes from the ledgers (`publisher`); between a request's end and its publication
its cost stays held. So neither a retry, nor an outage, nor an emptied store changes what a budget has left.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.errors import Overloaded
from gateway.limits.adoption import Adoption
from gateway.limits.counts import SharedCounts, Unseeded, parts
from gateway.limits.known import KnownSpending
from gateway.limits.limit import UNREACHABLE, Demand, Limit, LimitStatus, OnFailure, Reservation
from gateway.limits.memory import TTL_SECONDS
from gateway.limits.outage import OutageLimiter
from gateway.limits.publisher import Publisher
from gateway.limits.reached import LimitReached
from gateway.limits.store import TIMEOUT_SECONDS, Store, StoreAway

log = logging.getLogger("sekisho.limits")

LEASE_SECONDS = 120.0
TICK_SECONDS = 0.5
_SEED_TRIES, _SEED_SECONDS = 40, 0.05
_MEANWHILE = {
    "open": "requests are admitted by what this process alone counts, within its share of what was left",
    "closed": "requests are refused",
}


class RedisLimiter:
    """Counts in the store; while it is away, admits this process's share of what was left, or refuses every request."""

    def __init__(
        self,
        url: str,
        data_dir: Path,
        *,
        on_failure: OnFailure = "open",
        namespace: str = "sekisho",
        lease_seconds: float = LEASE_SECONDS,
        tick_seconds: float | None = TICK_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] | None = None,
        custom_ca: Path | None = None,
        config_file: Path | None = None,
    ) -> None:
        """Connect to Redis. `tick_seconds` None: `tick` is called from outside. Raises `ConfigError`.

        `config_file` names the destination that machines share; None where each has its own.
        """
        self._store = Store(url, namespace, timeout_seconds, custom_ca)
        self._counts = SharedCounts(self._store, lease_seconds, clock)
        self._clock = clock or time.time
        self._data_dir = data_dir
        self._known = KnownSpending(self._store, f"{os.getpid()}-{secrets.token_hex(8)}", self._clock)
        self._adoption = Adoption(self._store, config_file, self._clock)
        self._publisher = Publisher(self._store, data_dir, self._clock, self._known, self._adoption)
        self._outage = OutageLimiter(self._known, self._store.name, self._clock)
        self._on_failure = on_failure
        self._lease = lease_seconds
        self._tick_seconds = tick_seconds
        self._open: dict[str, Reservation] = {}
        self._prolonged_at = 0.0
        self._away_since: float | None = None
        self._admitted_alone = 0
        self._ticking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._maintenance: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Publish the ledger's sums. A store that is away is no reason not to start."""
        await asyncio.to_thread(self._publisher.open)
        self._counts.source = self._publisher.source
        await self.tick()
        if self._away_since is not None:
            await asyncio.to_thread(self._known.restore, self._data_dir)
        if self._tick_seconds is not None:
            self._maintenance = asyncio.create_task(self._maintain(self._tick_seconds), name="limits")

    async def stop(self) -> None:
        self._stopping = True
        if self._maintenance:
            self._wake.set()
            await self._maintenance
        await self._adoption.stop()
        await self._publisher.stop()
        if self._away_since is None:
            with contextlib.suppress(StoreAway):
                await self._known.leave()
        await self._store.close()

    @property
    def healthy(self) -> bool:
        return self._away_since is None

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        if known := self._open.get(request_id):
            return known
        now = self._clock()
        counted = [limit for limit in limits if limit.amount < UNREACHABLE]
        statuses: tuple[LimitStatus, ...] = ()
        if counted:
            statuses = await self._reserved(request_id, counted, demand)
        reservation = Reservation(request_id, tuple(limits), demand, now, now + self._lease, statuses)
        if counted:
            self._open[request_id] = reservation
        return reservation

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """Settle in the store; while it is away nothing is sent, for the ledger's sums are published later."""
        if self._open.pop(reservation.id, None) is None:
            return
        await self._outage.settle(reservation, used)
        if used.cost_nano_usd:
            self._known.spent(reservation, used.cost_nano_usd)
        if self._away_since is None:
            try:
                await self._counts.settle(reservation, used)
            except StoreAway as error:
                self._went_away(error)

    async def release(self, reservation: Reservation) -> None:
        await self.settle(reservation, Demand())

    async def status(self, limits: Sequence[Limit]) -> list[LimitStatus]:
        if limits and self._away_since is None:
            try:
                return list((await self._asked("", limits, Demand()))[1])
            except StoreAway as error:
                self._went_away(error)
        return await self._outage.status(limits)

    async def publish(self) -> None:
        """Publish this machine's sums now instead of at the next `tick`."""
        async with self._ticking:
            try:
                await self._publisher.publish()
            except StoreAway as error:
                self._went_away(error)

    async def tick(self) -> None:
        """Publish, prolong leases, read what others spent, and notice that the store went or came back."""
        async with self._ticking:
            try:
                await self._publisher.publish()
                if self._away_since is not None:
                    await self._prolong()
                    await self._publisher.publish()
                elif self._clock() - self._prolonged_at > self._lease / 4:
                    await self._prolong()
                await self._known.learn()
            except StoreAway as error:
                self._went_away(error)
            else:
                self._came_back()

    async def _reserved(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> tuple[LimitStatus, ...]:
        """Reserve; return the status of the limits afterwards. Raises `LimitReached`, `Overloaded`."""
        if self._away_since is None:
            try:
                refused, statuses = await self._asked(request_id, limits, demand)
            except StoreAway as error:
                self._went_away(error)
            else:
                if refused:
                    raise LimitReached(refused, demand, self._clock(), statuses)
                return statuses
        if self._on_failure == "closed":
            raise Overloaded(
                f"Limits are counted in {self._store.name}, which does not answer; requests are refused until it does. "
                "Try again in a few seconds, or tell an administrator.",
                code="limits_unavailable",
                retry_after=2,
            )
        statuses = await self._outage.reserve(request_id, limits, demand)
        self._admitted_alone += 1
        return statuses

    async def _asked(
        self, request_id: str, limits: Sequence[Limit], demand: Demand
    ) -> tuple[LimitStatus | None, tuple[LimitStatus, ...]]:
        """Reserve as `SharedCounts.reserve` does, giving a store that has lost its data time to get it back."""
        for _ in range(_SEED_TRIES):
            with contextlib.suppress(Unseeded):
                return await self._counts.reserve(request_id, limits, demand)
            self._wake.set()
            await asyncio.sleep(_SEED_SECONDS)
        return await self._counts.reserve(request_id, limits, demand)

    async def _prolong(self) -> None:
        """Prolong the leases of what this process holds; drop again what was settled meanwhile."""
        now = self._clock()
        self._open = {each.id: each for each in self._open.values() if each.began_at > now - TTL_SECONDS}
        for part in parts(list(self._open.values())):
            await self._counts.prolong(part)
            for each in part:
                if each.id not in self._open:
                    await self._counts.forget(each)
        self._prolonged_at = now

    async def _maintain(self, seconds: float) -> None:
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.tick()
            except Exception:
                log.exception("the upkeep of shared limits failed; it goes on")

    def _went_away(self, error: StoreAway) -> None:
        if self._away_since is not None:
            return
        self._away_since, self._admitted_alone = time.monotonic(), 0
        self._outage.begin(self._open.values())
        self._wake.set()
        meanwhile = _MEANWHILE[self._on_failure]
        log.error("limits: %s is away (%s); until it is back, %s", self._store.name, error, meanwhile)

    def _came_back(self) -> None:
        if self._away_since is None:
            return
        seconds, self._away_since = time.monotonic() - self._away_since, None
        text = "limits: %s is back after %.1f s; %d requests were admitted alone, what they cost is published"
        log.warning(text, self._store.name, seconds, self._admitted_alone)
