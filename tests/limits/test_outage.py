"""The shared store goes, comes back, hangs, forgets: as configured, said in the log, and nothing is lost."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import redis

from gateway.config.schema import Config
from gateway.errors import ConfigError, Overloaded
from gateway.limits.choose import limiter_of
from gateway.limits.limit import Demand, Limit, OnFailure
from gateway.limits.memory import MemoryLimiter
from gateway.limits.reached import LimitReached
from gateway.limits.shared import RedisLimiter
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, TEAM, USD, Gate

BUDGET = Limit(KEY, "budget", USD, "month")
ALL = [BUDGET, Limit(TEAM, "budget", USD, "week"), Limit(KEY, "parallel", 50), Limit(KEY, "tokens", 10**9, "minute")]
COST = Demand(tokens=10, cost_nano_usd=1000)
Opened = Callable[..., Awaitable[Gate]]


@pytest.fixture
async def opened(redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Opened]:
    """Starts gates on the server; `machine` names a data_dir."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_(on_failure: OnFailure = "open", machine: str = "one", lease: float = 5.0) -> Gate:
            limiter = RedisLimiter(
                redis_server.url, tmp_path / machine, on_failure=on_failure, tick_seconds=0.05, lease_seconds=lease
            )
            gate = Gate(limiter, tmp_path / machine)
            await gate.start()
            stack.push_async_callback(gate.stop)
            return gate

        yield open_


class Load:
    """Requests one after another on several lanes until told to stop."""

    def __init__(self, gate: Gate, lanes: int = 8) -> None:
        self._gate = gate
        self._name = f"{id(self)}"
        self._stopping = False
        self._lanes = [asyncio.create_task(self._run(lane)) for lane in range(lanes)]
        self.admitted = self.refused = 0

    async def _run(self, lane: int) -> None:
        number = 0
        while not self._stopping:
            number += 1
            await asyncio.sleep(0.002)
            try:
                reservation = await self._gate.reserve(f"{self._name}-{lane}-{number}", ALL, COST)
            except Overloaded:
                self.refused += 1
                continue
            await asyncio.sleep(0.005)
            await self._gate.settle(reservation, COST)
            self.admitted += 1

    async def stop(self) -> int:
        """What it has spent."""
        self._stopping = True
        await asyncio.gather(*self._lanes)
        return self.admitted * COST.cost_nano_usd


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def _healthy(gate: Gate) -> None:
    async def healthy() -> bool:
        return gate.limiter.healthy

    await _until(healthy)


async def _away(gate: Gate) -> None:
    async def away() -> bool:
        return not gate.limiter.healthy

    await _until(away)


async def _settled(gate: Gate, spent: int) -> None:
    """Wait until nothing is held and all is published; then what was used must be what was spent."""

    async def settled() -> bool:
        status = await gate.status(BUDGET)
        assert status.used <= spent
        return (status.used, status.reserved) == (spent, 0)

    await _until(settled, 3)
    assert (await gate.status(ALL[2])).used == 0


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize("on_failure", ["open", "closed"])
async def test_stopped_and_started_under_load(
    redis_server: RedisServer, opened: Opened, on_failure: OnFailure, caplog: pytest.LogCaptureFixture
) -> None:
    gate = await opened(on_failure)
    load = Load(gate)
    await asyncio.sleep(0.5)
    redis_server.stop()
    await _away(gate)
    before = load.admitted
    await asyncio.sleep(0.5)
    during = load.admitted - before
    assert (during > 20, load.refused == 0) == ((True, True) if on_failure == "open" else (False, False))
    redis_server.start()
    await _healthy(gate)
    await asyncio.sleep(0.3)
    assert load.admitted > before + during, "it heals by itself"
    await _settled(gate, await load.stop())
    away, *_, back = _said(caplog)
    assert "is away (ConnectionError" in away
    assert {"open": "admitted by what this process alone counts", "closed": "refused"}[on_failure] in away
    assert "is back after" in back


async def test_a_refusal_names_its_cause(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened("closed")
    redis_server.stop()
    with pytest.raises(
        Overloaded, match=rf"counted in 127\.0\.0\.1:{redis_server.port}, which does not answer"
    ) as caught:
        await gate.reserve("a", ALL, COST)
    assert (caught.value.code, caught.value.retry_after) == ("limits_unavailable", 2)


async def test_alone_a_process_keeps_what_it_can_see(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened("open")
    redis_server.stop()
    limits = [Limit(KEY, "parallel", 2)]
    running = [await gate.reserve(name, limits) for name in ("a", "b")]
    with pytest.raises(LimitReached):
        await gate.reserve("c", limits)
    redis_server.start()
    await _healthy(gate)
    assert (await gate.status(limits[0])).used == 2, "what began alone is counted with the others' when it is back"
    for each in running:
        await gate.settle(each)
    assert (await gate.status(limits[0])).used == 0


async def test_a_store_that_hangs_is_waited_for_only_a_moment(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened("open")
    assert redis_server.process
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    for number in range(20):
        await gate.settle(await gate.reserve(f"r{number}", ALL, COST), COST)
    assert time.monotonic() - began < 5
    os.kill(redis_server.process.pid, signal.SIGCONT)
    await _healthy(gate)
    await _settled(gate, 20 * COST.cost_nano_usd)


async def test_starts_without_the_store(redis_server: RedisServer, opened: Opened) -> None:
    redis_server.stop()
    gate = await opened("closed")
    assert not gate.limiter.healthy
    redis_server.start()
    await _healthy(gate)
    await gate.settle(await gate.reserve("a", ALL, COST), COST)
    await _settled(gate, COST.cost_nano_usd)


async def test_emptied_under_load(redis_server: RedisServer, opened: Opened) -> None:
    """Two workers of one machine and one of another: nobody starts at zero, nobody counts twice."""
    gates = [await opened(machine=machine) for machine in ("one", "one", "two")]
    loads = [Load(gate, lanes=4) for gate in gates]
    for _ in range(3):
        await asyncio.sleep(0.4)
        redis_server.flush()
    await asyncio.sleep(0.3)
    spent = sum([await load.stop() for load in loads])
    await _settled(gates[0], spent)
    assert [load.refused for load in loads] == [0, 0, 0]
    assert all(gate.limiter.healthy for gate in gates)


async def test_an_emptied_store_admits_nobody_who_has_spent_all(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened()
    all_of_it = Demand(cost_nano_usd=USD)
    await gate.settle(await gate.reserve("all", ALL, all_of_it), all_of_it)
    for number in range(5):
        redis_server.flush()
        with pytest.raises(LimitReached):
            await gate.reserve(f"more{number}", ALL, COST)


async def test_publishing_again_inflates_nothing(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened()
    await gate.settle(await gate.reserve("a", ALL, COST), COST)
    await _settled(gate, COST.cost_nano_usd)
    for _ in range(5):
        await gate.stop()
        gate = await opened()
        await _settled(gate, COST.cost_nano_usd)


async def test_a_long_request_keeps_its_place(opened: Opened) -> None:
    gate = await opened(lease=0.4)
    limits = [Limit(KEY, "parallel", 1), BUDGET]
    long = await gate.reserve("long", limits, COST)
    await asyncio.sleep(1)
    with pytest.raises(LimitReached):
        await gate.reserve("other", limits, COST)
    await gate.settle(long, COST)
    await gate.settle(await gate.reserve("other", limits, COST), COST)


async def test_a_request_that_is_cancelled_while_it_reserves(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened(lease=0.5)
    for number in range(30):
        task = asyncio.create_task(gate.reserve(f"r{number}", ALL, COST))
        await asyncio.sleep(number * 0.0001)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gate.limiter.release(await task)
    await asyncio.sleep(0.7)
    await _settled(gate, 0)


async def test_nothing_stays_for_ever(redis_server: RedisServer, opened: Opened) -> None:
    gate = await opened()
    await gate.reserve("running", ALL, COST)
    await gate.settle(await gate.reserve("done", ALL, COST), COST)
    await gate.limiter.tick()  # type: ignore[union-attr]
    with redis.Redis(port=redis_server.port) as client:
        ages = {key: client.ttl(key) for key in client.scan_iter()}
    assert len(ages) > 8
    assert all(key.startswith(b"{sekisho}:") and age > 0 for key, age in ages.items()), ages


async def test_large_sums_are_exact(opened: Opened) -> None:
    gate = await opened()
    limit = Limit(KEY, "budget", 8_000_000 * USD, "month")
    for number in range(3):
        used = Demand(cost_nano_usd=900_000 * USD + 1)
        await gate.settle(await gate.reserve(f"r{number}", [limit], used), used)
    await gate.limiter.tick()  # type: ignore[union-attr]
    assert (await gate.status(limit)).used == 2_700_000 * USD + 3


def test_which_limiter_a_configuration_asks_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(limiter_of(Config(data_dir=tmp_path)), MemoryLimiter)
    shared = Config.model_validate({"data_dir": tmp_path, "shared_state": "redis://:pass-word@localhost:1/0"})
    assert isinstance(limiter_of(shared, "closed"), RedisLimiter)
    with pytest.raises(ConfigError, match=r"shared_state.*Allowed: redis://"):
        limiter_of(Config.model_validate({"data_dir": tmp_path, "shared_state": "memcached://localhost"}))
    assert "pass-word" not in caplog.text
