"""Counts while the shared store is away, from its last sums, each process within its share of what is left."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cachetools import LRUCache

from gateway.errors import Overloaded
from gateway.limits.known import KnownSpending
from gateway.limits.limit import Demand, Limit, LimitStatus, Reservation, wanted
from gateway.limits.memory import MemoryLimiter
from gateway.limits.reached import LimitReached

_SHARES_KEPT = 100_000


class OutageLimiter:
    """Continues from the sums of the store and of this process's own requests."""

    def __init__(self, known: KnownSpending, name: str, clock: Callable[[], float]) -> None:
        self._known = known
        self._name = name
        self._clock = clock
        self._memory = MemoryLimiter(clock=clock)
        self._shares: LRUCache[Limit, Limit] = LRUCache(_SHARES_KEPT)

    def begin(self, running: Iterable[Reservation]) -> None:
        """Take over what this process holds in the store, as an outage begins."""
        self._shares.clear()
        self._memory = MemoryLimiter(clock=self._clock)
        for reservation in running:
            self._memory.adopt(reservation)

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> tuple[LimitStatus, ...]:
        """Reserve; return the status of the limits afterwards.

        Raises `LimitReached`; `Overloaded` where only this process's share is used up.
        """
        shares = [await self._share(limit) for limit in limits]
        try:
            await self._memory.reserve(request_id, shares, demand)
        except LimitReached as error:
            raise self._refusal(error, limits, shares, demand) from None
        return tuple(await self.status(limits))

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """End what was reserved or adopted; nothing where it was neither."""
        await self._memory.settle(reservation, used)

    async def status(self, limits: Sequence[Limit]) -> list[LimitStatus]:
        """Return the status of limits as far as this process knows."""
        shares = [await self._share(limit) for limit in limits]
        statuses = await self._memory.status(shares)
        return [_whole(limit, status) for limit, status in zip(limits, statuses, strict=True)]

    async def _share(self, limit: Limit) -> Limit:
        """Return this process's share of a limit; fixed at its first use in an outage."""
        if limit.kind == "budget":
            self._memory.learn(limit.scope, self._known.of(limit.scope))
        share = self._shares.get(limit)
        if share is None:
            share = self._shares[limit] = replace(limit, amount=await self._amount(limit))
        return share

    async def _amount(self, limit: Limit) -> int:
        processes = self._known.processes
        if limit.kind != "budget":
            return max(min(1, limit.amount), limit.amount // processes)
        (status,) = await self._memory.status([limit])
        return limit.amount - status.left + status.left // processes

    def _refusal(
        self, error: LimitReached, limits: Sequence[Limit], shares: Sequence[Limit], demand: Demand
    ) -> LimitReached | Overloaded:
        """Say that a budget is used up only where it is, and not this process's share of it."""
        names = dict(zip(shares, limits, strict=True))
        real = _whole(names[error.limit_status.limit], error.limit_status)
        if real.limit.kind == "budget" and wanted(real.limit, demand) <= real.left:
            return Overloaded(
                f"Limits are counted in {self._name}, which does not answer; until it does, only a share of what is "
                "left of this budget may be used here, and that is used up. Try again in a few seconds, or tell an "
                "administrator.",
                code="limits_unavailable",
                retry_after=2,
            )
        statuses = [_whole(names[each.limit], each) for each in error.limit_statuses if each.limit in names]
        return LimitReached(real, demand, self._clock(), statuses)


def _whole(limit: Limit, share: LimitStatus) -> LimitStatus:
    """Return the status of the whole limit from that of this process's share."""
    if limit.kind == "budget":
        return LimitStatus(limit, share.used, share.reserved, share.resets_in)
    used = limit.amount - share.left if limit.kind != "parallel" else share.used
    return LimitStatus(limit, used, share.reserved, share.resets_in)
