"""Spending of all ledgers as the shared store last reported it; counting goes on from it while the store is away."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from gateway.limits.limit import UNREACHABLE, Reservation
from gateway.limits.store import LEARN, Store
from gateway.spending.checkpoint import Checkpoint, load_others, save_others
from gateway.spending.days import DAYS_KEPT, day_of
from gateway.spending.reader import SpendingReader

log = logging.getLogger("sekisho.limits")

LIVES_SECONDS = 30.0
"""How long a process counts as alive after it last reported itself."""
_AT_ONCE = 500
_SYNCS_KEPT = 3
"""After so many syncs the store includes what was spent before; this process or another has published it."""
_Sums = Sequence[tuple[int, str, int]]


class KnownSpending:
    """Sums by scope and day, updated with what changed in the store."""

    def __init__(self, store: Store, process: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._process = process
        self._clock = clock
        self._epoch, self._since = "", 0
        self._days: dict[str, dict[int, int]] = {}
        self.processes = 1
        """How many processes share the store."""
        self._recent: deque[dict[str, dict[int, int]]] = deque([{}], _SYNCS_KEPT)
        self.synced = False
        """True once everything was read from the store; before, there is nothing to save."""

    async def learn(self) -> None:
        """Read what changed, and report this process as alive. Raises `StoreAway`."""
        while await self._sync(LIVES_SECONDS) >= _AT_ONCE:
            pass
        self._recent.appendleft({})
        self.synced = True

    async def leave(self) -> None:
        """Report that this process ends. Raises `StoreAway`."""
        await self._sync(0)

    def spent(self, reservation: Reservation, nano_usd: int) -> None:
        """Count what a request of this process has cost, until the store certainly includes it."""
        day, recent = day_of(reservation.began_at), self._recent[0]
        for limit in reservation.limits:
            if limit.kind == "budget" and limit.amount < UNREACHABLE:
                days = recent.setdefault(limit.scope, {})
                days[day] = days.get(day, 0) + nano_usd

    def of(self, scope: str) -> Mapping[int, int]:
        """Return nano-USD by day: the store's sums and what this process has spent since."""
        days = dict(self._days.get(scope, {}))
        for recent in self._recent:
            for day, nano_usd in recent.get(scope, {}).items():
                days[day] = days.get(day, 0) + nano_usd
        return days

    def restore(self, data_dir: Path) -> None:
        """Start without the store: with others' spending at the last checkpoint, and this ledger's until now."""
        others = load_others(data_dir)
        self.processes = max(1, others.processes)
        for day, sums in others.days.items():
            for scope, nano_usd in sums.items():
                self._days.setdefault(scope, {})[day] = nano_usd
        for scope, days in SpendingReader(data_dir, self._clock).restore().items():
            mine = self._days.setdefault(scope, {})
            for day, nano_usd in days.items():
                mine[day] = min(mine.get(day, 0) + nano_usd, UNREACHABLE)

    def save(self, data_dir: Path, own: _Sums) -> None:
        """Save what is not this ledger's `own` for the next start."""
        mine = {(day, scope): nano_usd for day, scope, nano_usd in own}
        state = Checkpoint(processes=self.processes)
        for scope, days in list(self._days.items()):
            for day, nano_usd in list(days.items()):
                if (left := nano_usd - mine.get((day, scope), 0)) > 0:
                    state.days.setdefault(day, {})[scope] = left
        save_others(data_dir, state)

    async def _sync(self, seconds: float) -> int:
        """Read a batch of changes; return the number of scopes in it."""
        head = (self._process, round(seconds * 1000), self._epoch, self._since, _AT_ONCE)
        reply = msgspec.msgpack.decode(await self._store.run(LEARN, *head))
        self._epoch, self.processes, self._since, changed = reply
        self.processes = max(1, self.processes)
        oldest = day_of(self._clock()) - DAYS_KEPT
        for scope, pairs in changed:
            days = {int(day): int(nano_usd) for day, nano_usd in zip(pairs[::2], pairs[1::2], strict=True)}
            known = self._days.pop(scope, {})
            kept = {day: max(known.get(day, 0), days.get(day, 0)) for day in known.keys() | days.keys()}
            if kept := {day: nano_usd for day, nano_usd in kept.items() if day >= oldest}:
                self._days[scope] = kept
        return len(changed)
