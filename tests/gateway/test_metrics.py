"""/metrics of several workers is one truth: whichever is asked answers for all, of ended ones too."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from gateway.ledger.record import Record
from gateway.metrics.metrics import Metrics
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


REQUESTS = {"model": "mine", "class": "chat", "api": "chat", "outcome": "ok", "status": "200"}
TOKENS = {"model": "mine", "kind": "output"}
TIMES = {"model": "mine", "class": "chat"}


def _record(output: int = 3) -> Record:
    return Record(
        request_id="r-1",
        started_at=0,
        api="chat",
        model="mine",
        deployment="mine/0",
        status=200,
        outcome="ok",
        output_tokens=output,
        cost_nano_usd=500_000_000,
        duration_ms=1500,
    )


def _sample(metrics: Metrics, name: str, labels: dict[str, str]) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_a_scrape_counts_what_ended_before_it() -> None:
    metrics = Metrics()
    for output in (3, 4, 5):
        metrics.observe(_record(output), "chat")
    assert _sample(metrics, "sekisho_requests_total", REQUESTS) is None, "counted on the way of the request"

    text = (await metrics.exposition()).decode()

    assert 'sekisho_tokens_total{kind="output",model="mine"} 12.0' in text
    assert _sample(metrics, "sekisho_requests_total", REQUESTS) == 3
    assert _sample(metrics, "sekisho_cost_usd_total", {"model": "mine"}) == 1.5
    assert _sample(metrics, "sekisho_request_seconds_sum", TIMES) == 4.5
    assert _sample(metrics, "sekisho_request_seconds_count", TIMES) == 3
    assert _sample(metrics, "sekisho_queue_seconds_count", TIMES) is None, "a series of nothing"


async def test_what_waits_to_be_counted_is_bounded() -> None:
    metrics = Metrics()
    for _ in range(2500):
        metrics.observe(_record(), "chat")
    assert _sample(metrics, "sekisho_requests_total", REQUESTS) == 2000

    await metrics.stop()

    assert _sample(metrics, "sekisho_requests_total", REQUESTS) == 2500


async def test_requests_are_counted_without_a_scrape_too() -> None:
    metrics = Metrics()
    metrics.observe(_record(), "chat")
    for _ in range(600):
        await asyncio.sleep(0.05)
        if _sample(metrics, "sekisho_tokens_total", TOKENS) == 3:
            return
    pytest.fail("never counted")
