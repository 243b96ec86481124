"""Several processes on one budget: together they keep it, and one that is killed leaves nothing behind."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ledger.segments import folder, read
from gateway.limits.limit import LimitStatus
from gateway.limits.shared import RedisLimiter
from tests.limits.conftest import RedisServer
from tests.limits.gate import USD
from tests.limits.spender import BUDGET, ESTIMATE, RUNNING

LEASE, SHORT_LEASE = 120.0, 2.0
Spender = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spender(redis_server: RedisServer) -> Iterator[Spender]:
    """Starts `tests.limits.spender`: data_dir, name, requests, seconds, lease."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: object) -> subprocess.Popen[str]:
            call = [sys.executable, "-m", "tests.limits.spender", redis_server.url, *map(str, arguments)]
            process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def _finished(process: subprocess.Popen[str]) -> int:
    """How many of its requests went through."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return int(out.split()[-1])


def _in_ledgers(*data_dirs: Path) -> int:
    return sum(record.cost_nano_usd or 0 for each in set(data_dirs) for record in read(folder(each)))


async def _statuses(server: RedisServer, data_dir: Path) -> list[LimitStatus]:
    """As a process sees them that starts now."""
    limiter = RedisLimiter(server.url, data_dir, tick_seconds=None, lease_seconds=LEASE)
    await limiter.start()
    statuses = await limiter.status([BUDGET, RUNNING])
    assert limiter.healthy
    await limiter.stop()
    return statuses


@pytest.mark.parametrize("machines", [1, 2])
async def test_two_processes_share_one_budget(
    redis_server: RedisServer, spender: Spender, tmp_path: Path, machines: int
) -> None:
    folders = [tmp_path / f"machine{number % machines}" for number in range(2)]
    spenders = [spender(each, f"p{number}-", 200, 0.3, LEASE) for number, each in enumerate(folders)]
    admitted = sum([_finished(each) for each in spenders])
    spent = _in_ledgers(*folders)
    assert spent <= USD
    assert USD // ESTIMATE.cost_nano_usd <= admitted < 400
    for each in set(folders):
        budget, running = await _statuses(redis_server, each)
        assert (budget.used, budget.reserved, running.used) == (spent, 0, 0)


async def test_a_killed_process_leaves_nothing_behind(
    redis_server: RedisServer, spender: Spender, tmp_path: Path
) -> None:
    survivor = spender(tmp_path, "survivor", 40, 2.0, SHORT_LEASE)
    killed = spender(tmp_path, "killed", 50, 2.0, SHORT_LEASE)
    assert killed.stdout
    assert killed.stdout.readline() == "started\n"
    await asyncio.sleep(1.2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    _, running = await _statuses(redis_server, tmp_path)
    assert running.used > 0, "some were running when it was killed"
    _finished(survivor)
    await asyncio.sleep(SHORT_LEASE)
    budget, running = await _statuses(redis_server, tmp_path)
    assert (budget.reserved, running.used) == (0, 0)
    assert budget.used == _in_ledgers(tmp_path) > 0
