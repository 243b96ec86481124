"""Encode the arguments of the store's scripts and decode their results."""

import time
from collections.abc import Callable, Sequence

import msgspec

from gateway.limits.limit import UNREACHABLE, Demand, Limit, LimitStatus, Reservation, rate_status, wanted
from gateway.limits.store import REFRESH, RESERVE, SETTLE, Store, StoreAway
from gateway.limits.windows import Calendar

UNPUBLISHED_SECONDS = 30.0
"""How long a cost stays reserved when nobody publishes it."""
_PART = 200


class Unseeded(StoreAway):
    """The store does not know this machine's spending: it is new, or has lost its data."""


class SharedCounts:
    """Every method raises `StoreAway`.

    Calendar windows follow this machine's clock; leases and rates the store's, as clocks differ, or `clock` if given.
    """

    def __init__(self, store: Store, lease_seconds: float, clock: Callable[[], float] | None) -> None:
        self._store = store
        self._lease_ms = round(lease_seconds * 1000)
        self._clock = clock
        self._calendar = Calendar()
        self.source = ""
        """Name of the ledger whose sums must be in the store before anything is reserved."""

    async def reserve(
        self, request_id: str, limits: Sequence[Limit], demand: Demand
    ) -> tuple[LimitStatus | None, tuple[LimitStatus, ...]]:
        """Reserve; return the status of the limit that refuses, if any, and those of all.

        Without a request id nothing is reserved. Raises `Unseeded`.
        """
        now = (self._clock or time.time)()
        self._calendar.turn(now)
        first = self._calendar.first
        asked = [
            (each.kind, each.scope, each.amount, each.hard, wanted(each, demand), first[each.window]) for each in limits
        ]
        packed = await self._store.run(RESERVE, self._now(), request_id, self._lease_ms, self.source, asked)
        outcome, place, numbers = (*msgspec.msgpack.decode(packed), 0, ())[:3]
        if outcome == "unseeded":
            raise Unseeded("it has lost its data, and the ledger's sums are not back yet")
        statuses = tuple(
            self._status(limit, used, held, now) for limit, (used, held) in zip(limits, numbers, strict=True)
        )
        return statuses[place] if outcome == "refused" else None, statuses

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        await self._end(reservation, reservation.demand.tokens, used)

    async def prolong(self, reservations: Sequence[Reservation]) -> None:
        """Extend the leases of reservations; reserve again what the store has lost."""
        await self._store.run(REFRESH, self._now(), self._lease_ms, [_holds(each) for each in reservations])

    async def forget(self, reservation: Reservation) -> None:
        """Drop a reservation that was prolonged although its request had been settled."""
        await self._end(reservation, 0, Demand())

    async def _end(self, reservation: Reservation, estimate: int, used: Demand) -> None:
        tokens = (min(each, UNREACHABLE) for each in (estimate, used.tokens))
        head = (self._now(), reservation.id, round(UNPUBLISHED_SECONDS * 1000), *tokens)
        limits = [limit for limit in reservation.limits if limit.amount < UNREACHABLE and limit.kind != "requests"]
        scopes = [(each.kind, each.scope, each.amount, each.hard) for each in limits]
        await self._store.run(SETTLE, *head, min(used.cost_nano_usd, UNREACHABLE), scopes)

    def _status(self, limit: Limit, used: float, reserved: float, now: float) -> LimitStatus:
        if limit.kind == "budget":
            return LimitStatus(limit, int(used), int(reserved), self._calendar.end[limit.window] - now)
        if limit.kind == "parallel":
            return LimitStatus(limit, int(used), resets_in=1.0)
        return rate_status(limit, used)

    def _now(self) -> int:
        """Return the time in milliseconds; 0 lets the store use its own clock."""
        return round(self._clock() * 1000) if self._clock else 0


def parts(reservations: Sequence[Reservation]) -> list[Sequence[Reservation]]:
    """Return slices that are small enough to keep Redis responsive; at least one, so that the store is asked."""
    return [reservations[start : start + _PART] for start in range(0, max(1, len(reservations)), _PART)]


def _holds(reservation: Reservation) -> tuple[str, int, list[str], list[str]]:
    parallel, budget = (
        [each.scope for each in reservation.limits if each.kind == kind and each.amount < UNREACHABLE]
        for kind in ("parallel", "budget")
    )
    return reservation.id, min(reservation.demand.cost_nano_usd, UNREACHABLE), parallel, budget
