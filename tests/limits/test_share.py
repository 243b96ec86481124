"""An outage of the shared store is no second budget, and connections that are closed are no errors of requests."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.errors import Overloaded
from gateway.limits.limit import Demand, Limit, OnFailure, Reservation
from gateway.limits.reached import LimitReached
from gateway.limits.shared import RedisLimiter
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, USD, Gate
from tests.limits.tcp_proxy import tcp_proxy

BUDGET = Limit(KEY, "budget", USD, "month")
COST = Demand(tokens=10, cost_nano_usd=USD // 100)
Opened = Callable[..., Awaitable[Gate]]


@pytest.fixture
async def opened(redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Opened]:
    """Starts gates on the server or on another port; `machine` names a data_dir."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_(machine: str = "one", on_failure: OnFailure = "open", port: int | None = None) -> Gate:
            url = f"redis://127.0.0.1:{port or redis_server.port}/0"
            limiter = RedisLimiter(url, tmp_path / machine, on_failure=on_failure, tick_seconds=0.05, lease_seconds=5)
            gate = Gate(limiter, tmp_path / machine)
            await gate.start()
            stack.push_async_callback(gate.stop)
            return gate

        yield open_


async def _spend(gate: Gate, name: str, times: int, limits: list[Limit] | None = None) -> Counter[str]:
    """One after another; gives how often each came of it."""
    came: Counter[str] = Counter()
    for number in range(times):
        try:
            reservation = await gate.reserve(f"{name}-{number}", limits or [BUDGET], COST)
        except LimitReached:
            came["budget used up"] += 1
        except Overloaded:
            came["share used up"] += 1
        else:
            await gate.settle(reservation, COST)
            came["admitted"] += 1
    return came


async def _becomes(healthy: bool, *gates: Gate) -> None:
    async with asyncio.timeout(10):
        for gate in gates:
            while gate.limiter.healthy is not healthy:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


async def test_three_machines_share_what_was_left(redis_server: RedisServer, opened: Opened) -> None:
    """40 of 100 are spent before; each machine may spend a third of the rest, in all outages together."""
    gates = [await opened(machine) for machine in ("one", "two", "three")]
    assert await _spend(gates[0], "before", 40) == {"admitted": 40}
    await asyncio.sleep(0.5)
    redis_server.stop()
    await _becomes(False, *gates)
    alone = [await _spend(gate, f"alone{number}", 50) for number, gate in enumerate(gates)]
    assert alone == [{"admitted": 20, "share used up": 30}] * 3
    redis_server.start()
    await _becomes(True, *gates)
    for outage in range(3):
        redis_server.stop()
        await _becomes(False, *gates)
        for number, gate in enumerate(gates):
            assert "admitted" not in await _spend(gate, f"again{outage}-{number}", 10)
        redis_server.start()
        await _becomes(True, *gates)
        with pytest.raises(LimitReached):
            await gates[outage].reserve(f"back{outage}", [BUDGET], COST)


async def test_a_budget_that_was_used_up_elsewhere_is_used_up(redis_server: RedisServer, opened: Opened) -> None:
    here, there = await opened("one"), await opened("two")
    assert (await _spend(here, "all", 120))["admitted"] == 100
    await asyncio.sleep(0.5)
    redis_server.stop()
    await _becomes(False, here, there)
    assert await _spend(there, "never asked here before", 10) == {"budget used up": 10}


async def test_what_runs_counts_on(redis_server: RedisServer, opened: Opened) -> None:
    """Requests that were admitted by the store hold their place and their cost when it goes."""
    gate = await opened()
    limits = [Limit(KEY, "parallel", 3), BUDGET]
    half = Demand(cost_nano_usd=USD // 2)
    running = [await gate.reserve(name, limits, half) for name in ("a", "b")]
    redis_server.stop()
    await _becomes(False, gate)
    with pytest.raises(LimitReached, match="budget"):
        await gate.reserve("c", limits, COST)
    for each in running:
        await gate.settle(each, COST)
    await gate.settle(await gate.reserve("d", limits, COST), COST)
    assert (await gate.status(BUDGET)).used == 3 * COST.cost_nano_usd
    assert (await gate.status(limits[0])).used == 0


async def test_a_start_during_an_outage_knows_the_sums(redis_server: RedisServer, opened: Opened) -> None:
    gates = [await opened(machine) for machine in ("one", "two")]
    assert await _spend(gates[1], "other", 30) == {"admitted": 30}
    assert await _spend(gates[0], "own", 30) == {"admitted": 30}
    await asyncio.sleep(0.5)
    await gates[0].stop()
    redis_server.stop()
    again = await opened("one")
    assert not again.limiter.healthy
    assert (await again.status(BUDGET)).used == 60 * COST.cost_nano_usd
    assert (await _spend(again, "alone", 100))["admitted"] == 20, "half of what was left"


async def test_a_share_is_at_least_one_request(redis_server: RedisServer, opened: Opened) -> None:
    gates = [await opened(machine) for machine in ("one", "two", "three")]
    limits = [Limit(KEY, "parallel", 2), Limit(KEY, "requests", 30, "minute"), Limit(KEY, "tokens", 600, "minute")]
    await asyncio.sleep(0.2)
    redis_server.stop()
    await _becomes(False, *gates)
    for number, gate in enumerate(gates):
        held = await gate.reserve(f"r{number}", limits, COST)
        with pytest.raises(LimitReached, match="2 requests running"):
            await gate.reserve(f"s{number}", limits, COST)
        await gate.settle(held, COST)
        assert (await _spend(gate, f"t{number}", 20, limits[1:]))["admitted"] == 9, "a third of the minute's"


async def test_many_clients_over_a_distance(redis_server: RedisServer, opened: Opened) -> None:
    """120 ms a round trip, 60 at once from a cold start: waiting is no outage."""
    with tcp_proxy(redis_server.port) as proxy:
        gate = await opened(port=proxy.port)
        proxy.delay = 0.06
        limits = [Limit(KEY, "budget", 100 * USD, "month"), Limit(KEY, "parallel", 1000)]
        came = await asyncio.gather(*(_spend(gate, f"c{number}", 3, limits) for number in range(60)))
        assert sum(came, Counter()) == {"admitted": 180}
        assert gate.limiter.healthy
        assert gate.limiter._admitted_alone == 0  # type: ignore[union-attr]
        proxy.delay = 0


@pytest.mark.parametrize("on_failure", ["open", "closed"])
async def test_closing_connections_are_an_outage(
    redis_server: RedisServer, opened: Opened, on_failure: OnFailure, caplog: pytest.LogCaptureFixture
) -> None:
    with tcp_proxy(redis_server.port) as proxy:
        gate = await opened(port=proxy.port, on_failure=on_failure)
        ends = asyncio.get_running_loop().time() + 3
        limits = [Limit(KEY, "parallel", 500)]
        came: Counter[str] = Counter()

        async def lane(number: int) -> None:
            while asyncio.get_running_loop().time() < ends:
                came.update(await _spend(gate, f"{number}-{came.total()}", 1, limits))
                await asyncio.sleep(0.002)

        async def cutting() -> None:
            while asyncio.get_running_loop().time() < ends:
                proxy.refuse = True
                proxy.cut()
                await asyncio.sleep(0.15)
                proxy.refuse = False
                await asyncio.sleep(0.3)

        await asyncio.gather(cutting(), *map(lane, range(12)))
        assert came["admitted"] > 50
        assert set(came) <= {"admitted", "share used up"}
        assert on_failure == "closed" or set(came) == {"admitted"}
        await _becomes(True, gate)
    assert "Traceback" not in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR and "is away" not in each.message]


async def test_an_idle_connection_that_was_closed_is_opened_anew(
    redis_server: RedisServer, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """What balancers and firewalls do to idle connections is no outage at all."""
    with tcp_proxy(redis_server.port) as proxy:
        gate = await opened(port=proxy.port)
        for number in range(10):
            proxy.cut()
            await asyncio.sleep(0.05)
            held: Reservation = await gate.reserve(f"r{number}", [BUDGET], COST)
            await gate.settle(held, COST)
        assert "is away" not in caplog.text


async def test_what_was_spent_a_moment_before_counts(redis_server: RedisServer, tmp_path: Path) -> None:
    """Before anything of it is published: a burst that uses a budget up, and the store goes."""
    limiter = RedisLimiter(f"redis://127.0.0.1:{redis_server.port}/0", tmp_path, tick_seconds=None)
    gate = Gate(limiter, tmp_path)
    await gate.start()
    assert (await _spend(gate, "burst", 120))["admitted"] == 100
    redis_server.stop()
    assert await _spend(gate, "alone", 20) == {"budget used up": 20}
    await gate.stop()
