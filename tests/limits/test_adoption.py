"""A machine is gone for good and the store has lost everything: what it shipped is spent all the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.ledger.record import Record
from gateway.limits.limit import Demand, Limit
from gateway.limits.reached import LimitReached
from gateway.limits.shared import RedisLimiter
from gateway.maintenance.compaction import compact
from gateway.maintenance.shipping import ship
from gateway.spending.other_ledgers import sums
from tests.bench.month import write_segments
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, PERSON, USD, Gate
from tests.reports.ledgers import Ledger

BUDGET = Limit(KEY, "budget", USD, "month")
COST = Demand(cost_nano_usd=USD // 100)


def _machine(tmp_path: Path, name: str) -> Ledger:
    """A machine that shares the destination."""
    (tmp_path / name).mkdir(exist_ok=True)
    return Ledger(tmp_path / name, ledger={"destination": str(tmp_path / "shared")}, models=[])


def _spent(count: int, at: datetime) -> list[Record]:
    return [
        Record(
            request_id=f"{at:%d%H}-{number}",
            started_at=round(at.timestamp() * 10**6),
            api="chat",
            key_id="k1",
            user_email="Alice@Example.com",
            cost_nano_usd=USD // 100,
        )
        for number in range(count)
    ]


@pytest.fixture
def gone(tmp_path: Path) -> Ledger:
    """Has shipped 70 cents of today and some of last year, and nothing of it is on its disk any more."""
    machine, now = _machine(tmp_path, "gone"), datetime.now(UTC)
    write_segments(machine.data_dir, _spent(70, now), segment_seconds=86400)
    write_segments(machine.data_dir, _spent(30, now - timedelta(days=365)), segment_seconds=86400)
    ship(machine.config)
    return machine


async def _used(gate: Gate, amount: int) -> None:
    async with asyncio.timeout(30):
        while (await gate.status(BUDGET)).used != amount:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.05)


async def test_shipped_spending_of_a_machine_that_is_gone(
    redis_server: RedisServer, gone: Ledger, tmp_path: Path
) -> None:
    here = _machine(tmp_path, "here")
    limiter = RedisLimiter(redis_server.url, here.data_dir, tick_seconds=0.05, config_file=here.file)
    gate = Gate(limiter, here.data_dir)
    await gate.start()
    await gate.settle(await gate.reserve("own", [BUDGET], COST), COST)
    await _used(gate, 71 * COST.cost_nano_usd)
    for number in range(2):
        redis_server.flush()
        await _used(gate, 71 * COST.cost_nano_usd)
        with pytest.raises(LimitReached):
            await gate.reserve(f"much{number}", [BUDGET], Demand(cost_nano_usd=30 * COST.cost_nano_usd))
    person = await gate.status(Limit(PERSON, "budget", USD, "month"))
    assert person.used == 70 * COST.cost_nano_usd
    await gate.stop()


async def test_a_machine_that_lives_is_not_counted_twice(
    redis_server: RedisServer, gone: Ledger, tmp_path: Path
) -> None:
    """It publishes the same sums as its Parquet holds, before or after another has read them there."""
    gates = []
    for name in ("here", "gone"):
        machine = _machine(tmp_path, name)
        limiter = RedisLimiter(redis_server.url, machine.data_dir, tick_seconds=0.05, config_file=machine.file)
        gates.append(Gate(limiter, machine.data_dir))
        await gates[-1].start()
    await _used(gates[0], 70 * COST.cost_nano_usd)
    redis_server.flush()
    await _used(gates[1], 70 * COST.cost_nano_usd)
    await asyncio.sleep(2)
    await _used(gates[0], 70 * COST.cost_nano_usd)
    for gate in gates:
        await gate.stop()


def test_compacted_files_and_ones_own(gone: Ledger, tmp_path: Path) -> None:
    here = _machine(tmp_path, "here")
    before = sums(here.config)
    assert {(day, scope, nano) for _, day, scope, nano in before} == {
        (int(datetime.now(UTC).timestamp() // 86400), scope, 70 * COST.cost_nano_usd) for scope in (KEY, PERSON)
    }
    compact(gone.config, (datetime.now(UTC) + timedelta(days=1)).timestamp())
    assert sorted(sums(here.config)) == sorted(before)
    assert sums(gone.config) == []


async def test_a_destination_that_cannot_be_read_is_told(
    redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"aws_endpoint": "http://127.0.0.1:9", "aws_region": "x", "aws_access_key_id": "a"}
    options |= {"aws_secret_access_key": "secret-canary"}
    ledger = {"destination": "s3://bucket/x", "store_options": options, "store_timeout_seconds": 0.3}
    here = Ledger(tmp_path, ledger=ledger, models=[])
    limiter = RedisLimiter(redis_server.url, here.data_dir, tick_seconds=0.05, config_file=here.file)
    gate = Gate(limiter, here.data_dir)
    await gate.start()
    async with asyncio.timeout(30):
        while "cannot be read from the ledger's destination" not in caplog.text:  # noqa: ASYNC110  # a log tells nobody
            await asyncio.sleep(0.05)
    await gate.settle(await gate.reserve("own", [BUDGET], COST), COST)
    assert limiter.healthy
    assert "secret-canary" not in caplog.text
    assert "Traceback" not in caplog.text
    await gate.stop()
