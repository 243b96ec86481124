"""Whatever is done in whatever order: both limiters say what the model says."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gateway.limits.limit import Demand, Limit, Reservation
from gateway.limits.memory import MemoryLimiter
from gateway.limits.reached import LimitReached
from gateway.limits.shared import RedisLimiter
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, PERSON, TEAM, Clock, Gate
from tests.limits.model import Held, Model

LIFE = 900.0
LIMITS = [
    Limit(KEY, "requests", 60, "minute"),
    Limit(KEY, "tokens", 600, "minute"),
    Limit(KEY, "parallel", 5),
    Limit(KEY, "budget", 300, "day"),
    Limit(KEY, "budget", 700, "month"),
    Limit(PERSON, "budget", 400, "week"),
    Limit(PERSON, "parallel", 4, hard=False),
    Limit(TEAM, "budget", 200, "month", hard=False),
]
AMOUNTS = st.integers(0, 150)
CHOICES = st.lists(st.sampled_from(LIMITS), min_size=1, max_size=len(LIMITS), unique=True)
Make = Callable[[Clock, Path], MemoryLimiter | RedisLimiter]


class Machine(RuleBasedStateMachine):
    """Drives a limiter and the model side by side; `make` is set by the test."""

    make: Make

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self.folder.name)
        self.loop = asyncio.new_event_loop()
        self.gate = Gate(type(self).make(self.clock, path), path, self.clock)
        self.model = Model(LIFE)
        self.known: list[tuple[Reservation, Held]] = []
        self.settled: set[str] = set()
        self.run(self.gate.start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @rule(limits=CHOICES, tokens=AMOUNTS, cost=AMOUNTS)
    def reserve(self, limits: list[Limit], tokens: int, cost: int) -> None:
        name, demand, now = f"r{len(self.known)}", Demand(tokens, cost), self.clock.now
        self.model.expire(now)
        if not all(self.model.room(limit, demand, now) for limit in limits):
            with pytest.raises(LimitReached) as refused:
                self.run(self.gate.reserve(name, limits, demand))
            assert not self.model.room(refused.value.limit_status.limit, demand, now)
            assert (refused.value.retry_after or 0) > 0
            return
        made = self.run(self.gate.reserve(name, limits, demand))
        self.model.reserve(name, limits, demand, now)
        self.known.append((made, self.model.open[name]))
        assert self.run(self.gate.reserve(name, limits, demand)) is made

    @rule(which=st.integers(0, 30), tokens=AMOUNTS, cost=AMOUNTS)
    def settle(self, which: int, tokens: int, cost: int) -> None:
        if not self.known:
            return
        made, held = self.known[which % len(self.known)]
        used = Demand(tokens, cost)
        if made.id in self.settled:
            self.run(self.gate.limiter.settle(made, used))
            return
        self.settled.add(made.id)
        self.model.expire(self.clock.now)
        self.run(self.gate.settle(made, used))
        self.model.settle(made.id, held, used, self.clock.now)

    @rule(seconds=st.sampled_from([1, 5, 30, 61, LIFE + 1, 86_400, 7 * 86_400, 20 * 86_400]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def agrees(self) -> None:
        now = self.clock.now
        self.model.expire(now)
        for status in self.run(self.gate.limiter.status(LIMITS)):
            limit = status.limit
            assert status.left == max(0, int(self.model.left(limit, now) + 1e-6)), limit
            assert status.left >= 0
            if limit.kind in ("budget", "parallel"):
                assert (status.used, status.reserved) == (
                    self.model.used(limit, now),
                    self.model.reserved(limit),
                )

    def teardown(self) -> None:
        self.run(self.gate.stop())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


def _check(machine: type[Machine], examples: int) -> None:
    checks = list(HealthCheck)
    chosen = settings(max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=chosen)


def test_memory_is_the_model() -> None:
    class InMemory(Machine):
        make = staticmethod(lambda clock, _: MemoryLimiter(clock=clock, ttl_seconds=LIFE))

    _check(InMemory, 150)


def test_memory_is_the_model_after_every_restart() -> None:
    """What the ledger tells at a start is what was counted while running."""

    class Restarting(Machine):
        make = staticmethod(lambda clock, path: MemoryLimiter(path, clock, LIFE))

        @rule()
        def restart(self) -> None:
            if len(self.settled) == len(self.known):
                self.run(self.gate.limiter.stop())
                self.gate.limiter = type(self).make(self.clock, Path(self.folder.name))
                self.run(self.gate.limiter.start())
                self.model.levels.clear()

    _check(Restarting, 40)


@pytest.mark.parametrize("emptied", [False, True])
def test_redis_is_the_model(shared_redis: RedisServer, emptied: bool) -> None:
    """Also where its data is lost now and then: only rates begin anew."""

    class Shared(Machine):
        @staticmethod
        def make(clock: Clock, path: Path) -> RedisLimiter:
            shared_redis.flush()
            return RedisLimiter(shared_redis.url, path, clock=clock, tick_seconds=None, lease_seconds=LIFE)

        @rule()
        def lose(self) -> None:
            if emptied and len(self.settled) == len(self.known):
                shared_redis.flush()
                assert isinstance(self.gate.limiter, RedisLimiter)
                self.run(self.gate.limiter.publish())
                self.model.levels.clear()

    _check(Shared, 25)
