"""The queue before the deployments: urgent classes first, within a class one person after the other, bounded, never
silent.

A request waits for any of its model's deployments; a deployment that gets free takes the most urgent
request that may run there. One event loop, so no locks.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.config.schema import Admission
from gateway.errors import Busy
from gateway.fair_queue import FairQueue
from gateway.identity.policy import CLASSES, TrafficClass
from gateway.routing.target import Target

_RANK = {name: rank for rank, name in enumerate(CLASSES)}
_LONGEST_RETRY_SECONDS = 60.0
_SMOOTHING = 0.1


@dataclass(slots=True, eq=False)
class Waiter:
    """A request in the queue. Its future becomes the target where it may run."""

    rank: int
    targets: Sequence[Target]
    person: str = ""
    """Who asks, "" = nobody is known: such requests share one turn."""
    place: "asyncio.Future[Target]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gate:
    """Admits requests to deployments. `waiting` and `running` are counts for metrics."""

    def __init__(self, settings: Admission) -> None:
        self.settings = settings
        self.running = 0
        self._queues: dict[str, list[FairQueue[Waiter]]] = {}
        self._counts = [0] * len(CLASSES)
        self._seconds = 1.0
        """How long a request runs, smoothed: what `Retry-After` is made of."""

    @property
    def waiting(self) -> int:
        return sum(self._counts)

    def waiting_by_class(self) -> dict[str, int]:
        return dict(zip(CLASSES, self._counts, strict=True))

    async def enter(self, targets: Sequence[Target], traffic_class: TrafficClass, person: str = "") -> Target:
        """Return the first of `targets` with room, now or after waiting; `leave` must follow. Raises `Busy`."""
        rank = _RANK[traffic_class]
        target = None if self._someone_before(targets, rank) else self._with_room(targets)
        if target is None:
            return await self._wait(Waiter(rank, targets, person), traffic_class)
        self._take(target)
        return target

    def leave(self, target: Target, seconds: float | None = None) -> None:
        """Give the place of a request that ended to the next one."""
        self.running -= 1
        target.health.running -= 1
        if seconds is not None:
            self._seconds += _SMOOTHING * (seconds - self._seconds)
        if self.waiting:
            self._dispatch()

    async def _wait(self, waiter: Waiter, traffic_class: TrafficClass) -> Target:
        self._make_room_for(waiter)
        queue = self._queue(waiter)
        queue.append(waiter)
        self._counts[waiter.rank] += 1
        patience: float = getattr(self.settings.patience, traffic_class)
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(waiter.place)
        except TimeoutError:
            self._forget(waiter, queue)
            raise self._busy(f"waited {patience:g} s for a free place", "queue_timeout") from None
        except asyncio.CancelledError:
            self._forget(waiter, queue)
            raise

    def _forget(self, waiter: Waiter, queue: FairQueue[Waiter]) -> None:
        """Leave the queue; a place that came in the moment of leaving goes on to the next request."""
        if queue.remove(waiter):
            self._counts[waiter.rank] -= 1
        elif waiter.place.done() and waiter.place.exception() is None:
            self.leave(waiter.place.result())

    def _make_room_for(self, waiter: Waiter) -> None:
        """Drop the least urgent, newest waiter of a full queue, of who has the most; it may be the one that comes."""
        if self.waiting < self.settings.max_waiting:
            return
        least = self._least_urgent()
        if least is None or not self._yields(least, waiter):
            raise self._busy(f"the queue is full ({self.waiting} requests wait)")
        self._queue(least).remove(least)
        self._counts[least.rank] -= 1
        least.place.set_exception(
            self._busy("a more urgent request, or another person's, needed the place in the queue")
        )

    def _yields(self, least: Waiter, comes: Waiter) -> bool:
        """Return whether a waiter goes for one that comes: it is less urgent, or its person has more waiting."""
        if least.rank != comes.rank:
            return least.rank > comes.rank
        return self._queue(least).count(least.person) > self._queue(comes).count(comes.person) + 1

    def _least_urgent(self) -> Waiter | None:
        for rank in reversed(range(len(CLASSES))):
            queues = [each[rank] for each in self._queues.values() if each[rank]]
            if queues:
                newest = [queue.newest_of_the_most() for queue in queues]
                return max(newest, key=lambda waiter: self._queue(waiter).count(waiter.person))
        return None

    def _dispatch(self) -> None:
        """Give free places away until none is left or nobody may take them."""
        while self._has_capacity():
            found = next(self._ready(), None)
            if found is None:
                return
            waiter, target = found
            self._queue(waiter).remove(waiter)
            self._counts[waiter.rank] -= 1
            self._take(target)
            waiter.place.set_result(target)

    def _ready(self) -> Iterator[tuple[Waiter, Target]]:
        """Waiters that may start now, most urgent first."""
        for rank in range(len(CLASSES)):
            for queues in self._queues.values():
                for waiter in queues[rank]:
                    target = self._with_room(waiter.targets)
                    if target and not waiter.place.done():
                        yield waiter, target

    def _someone_before(self, targets: Sequence[Target], rank: int) -> bool:
        """Return whether somebody as urgent already waits for the same model."""
        queues = self._queues.get(targets[0].model.name)
        return queues is not None and any(queues[: rank + 1])

    def _with_room(self, targets: Sequence[Target]) -> Target | None:
        if not self._has_capacity():
            return None
        return next((target for target in targets if target.has_room), None)

    def _has_capacity(self) -> bool:
        return self.settings.max_running is None or self.running < self.settings.max_running

    def _take(self, target: Target) -> None:
        self.running += 1
        target.health.running += 1

    def _queue(self, waiter: Waiter) -> FairQueue[Waiter]:
        name = waiter.targets[0].model.name
        return self._queues.setdefault(name, [FairQueue() for _ in CLASSES])[waiter.rank]

    def _busy(self, why: str, code: str = "queue_full") -> Busy:
        seconds = max(1.0, self._seconds * (1 + self.waiting / max(1, self.running)))
        return Busy(
            f"All places for this model are taken: {why}. Try again later.",
            code=code,
            retry_after=min(seconds, _LONGEST_RETRY_SECONDS),
        )
