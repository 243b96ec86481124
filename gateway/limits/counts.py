"""The scripts' arguments and answers: limits as they are counted in the shared store."""

import time
from collections.abc import Callable, Sequence

import msgspec

from gateway.limits.limit import UNREACHABLE, Demand, Limit, Reservation, Standing, rate_standing, wanted
from gateway.limits.store import REFRESH, RESERVE, SETTLE, Store, StoreAway
from gateway.limits.windows import Calendar

UNPUBLISHED_SECONDS = 30.0
"""So long a cost stays held when nobody publishes it."""
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
        """The ledger whose sums must be there before anything is reserved."""

    async def reserve(
        self, request_id: str, limits: Sequence[Limit], demand: Demand
    ) -> tuple[Standing | None, tuple[Standing, ...]]:
        """The standing that refuses, and how all stand. Without an id nothing is reserved. Raises `Unseeded`."""
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
        standings = tuple(
            self._standing(limit, used, held, now) for limit, (used, held) in zip(limits, numbers, strict=True)
        )
        return standings[place] if outcome == "refused" else None, standings

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        await self._end(reservation, reservation.demand.tokens, used)

    async def prolong(self, reservations: Sequence[Reservation]) -> None:
        """Hold them for another lease, anew where the store has lost them."""
        await self._store.run(REFRESH, self._now(), self._lease_ms, [_holds(each) for each in reservations])

    async def forget(self, reservation: Reservation) -> None:
        """Let go what was prolonged although its request had been settled."""
        await self._end(reservation, 0, Demand())

    async def _end(self, reservation: Reservation, estimate: int, used: Demand) -> None:
        tokens = (min(each, UNREACHABLE) for each in (estimate, used.tokens))
        head = (self._now(), reservation.id, round(UNPUBLISHED_SECONDS * 1000), *tokens)
        limits = [limit for limit in reservation.limits if limit.amount < UNREACHABLE and limit.kind != "requests"]
        told = [(each.kind, each.scope, each.amount, each.hard) for each in limits]
        await self._store.run(SETTLE, *head, min(used.cost_nano_usd, UNREACHABLE), told)

    def _standing(self, limit: Limit, used: float, reserved: float, now: float) -> Standing:
        if limit.kind == "budget":
            return Standing(limit, int(used), int(reserved), self._calendar.end[limit.window] - now)
        if limit.kind == "parallel":
            return Standing(limit, int(used), resets_in=1.0)
        return rate_standing(limit, used)

    def _now(self) -> int:
        """Milliseconds; 0 leaves it to the store."""
        return round(self._clock() * 1000) if self._clock else 0


def parts(reservations: Sequence[Reservation]) -> list[Sequence[Reservation]]:
    """So few that `prolong` does not hold the store up; at least one part, so that it is asked."""
    return [reservations[start : start + _PART] for start in range(0, max(1, len(reservations)), _PART)]


def _holds(reservation: Reservation) -> tuple[str, int, list[str], list[str]]:
    parallel, budget = (
        [each.scope for each in reservation.limits if each.kind == kind and each.amount < UNREACHABLE]
        for kind in ("parallel", "budget")
    )
    return reservation.id, min(reservation.demand.cost_nano_usd, UNREACHABLE), parallel, budget
