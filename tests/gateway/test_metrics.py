"""/metrics of several workers is one truth: whichever is asked answers for all, of ended ones too."""

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.limits.conftest import RedisServer, redis_server

__all__ = ["redis_server"]
BODY = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
WORKERS = 2


@pytest.fixture
def several(upstream: tuple[FakeUpstream, str], redis_server: RedisServer, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway of two workers."""
    config = {
        "server": {"workers": WORKERS},
        "shared_state": redis_server.url,
        "models": [model("mine", deployment(upstream[1])), model("slow", deployment(upstream[1], "slow"))],
    }
    gateway = GatewayProcess(tmp_path, config).start()
    yield gateway
    gateway.stop()


def _ask(gateway: GatewayProcess, key: str) -> int:
    """On a connection of its own, so that any worker may get it."""
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    return httpx2.post(url, json=BODY, headers=headers, timeout=60, trust_env=False).status_code


def _told(gateway: GatewayProcess, name: str) -> float:
    text = httpx2.get(f"{gateway.url}/metrics", trust_env=False, timeout=20).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def _workers(gateway: GatewayProcess) -> list[int]:
    assert gateway.process
    parent = gateway.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


def _becomes(gateway: GatewayProcess, name: str, value: float) -> None:
    deadline = time.monotonic() + 20
    while _told(gateway, name) != value:
        assert time.monotonic() < deadline, (name, _told(gateway, name), value)
        time.sleep(0.1)


def test_two_workers_tell_the_same(several: GatewayProcess) -> None:
    key = several.key("k")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: _ask(several, key), range(60))) == {200}
    assert [_told(several, "sekisho_requests_total") for _ in range(12)] == [60] * 12
    assert [_told(several, "sekisho_request_seconds_count") for _ in range(12)] == [60] * 12
    _becomes(several, "sekisho_ledger_records_total", 60)
    assert [_told(several, "sekisho_deployment_up") for _ in range(12)] == [2] * 12
    assert [_told(several, "sekisho_running") for _ in range(12)] == [0] * 12
    assert _told(several, "sekisho_shared_state_up") == 1
    assert _told(several, "sekisho_key_database_up") == 1


def test_a_worker_that_ended_is_counted_on(several: GatewayProcess) -> None:
    key = several.key("k")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: _ask(several, key), range(40))) == {200}
    _becomes(several, "sekisho_ledger_records_total", 40)
    first = _workers(several)
    assert len(first) == WORKERS
    os.kill(first[0], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(set(_workers(several)) - {first[0]}) < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    several.wait_ready()
    assert _told(several, "sekisho_requests_total") == 40
    _becomes(several, "sekisho_deployment_up", 2)
    assert _ask(several, key) == 200
    assert _told(several, "sekisho_requests_total") == 41


def test_a_new_start_begins_at_zero(several: GatewayProcess) -> None:
    assert _ask(several, several.key("k")) == 200
    several.stop()
    several.start()
    assert _told(several, "sekisho_requests_total") == 0
