"""Two machines behind one PostgreSQL and one Redis: one person, one dollar."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.fixtures.postgres import PostgresServer
from tests.limits.conftest import RedisServer

PRICE = {"input": 300.0, "output": 400.0, "cached_input": 300.0}
COST = (7 + 4) * 300_000 + 7 * 400_000
"""Nano-USD of an answer of the fake: 7 new and 4 cached tokens in, 7 out."""
RESERVED = 40 * 300_000 + 10 * 400_000
"""More than one request ever reserves."""
USD = 10**9
BODY = {"model": "paid", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}
Machine = Callable[[str], GatewayProcess]


@pytest.fixture
def machine(
    postgres: PostgresServer, redis_server: RedisServer, upstream: tuple[FakeUpstream, str], tmp_path: Path
) -> Iterator[Machine]:
    """Starts a gateway with a folder of its own, or the same one again."""
    config = {
        "database": postgres.database(),
        "key_secret": "key-secret-of-the-tests-0123456789abcdef",
        "shared_state": redis_server.url,
        "shared_state_failure": "fail_closed",
        "models": [model("paid", deployment(upstream[1]), price=PRICE)],
    }
    started: list[GatewayProcess] = []

    def start(name: str) -> GatewayProcess:
        (tmp_path / name).mkdir(exist_ok=True)
        started.append(GatewayProcess(tmp_path / name, config).start())
        return started[-1]

    yield start
    for each in started:
        each.stop()


def _ask(call: tuple[GatewayProcess, str]) -> int:
    """The status; 0 where the machine died under the request."""
    gateway, key = call
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    try:
        return httpx2.post(url, json=BODY, headers=headers, timeout=60, trust_env=False).status_code
    except httpx2.TransportError:
        return 0


def _spent(*machines: GatewayProcess) -> int:
    return sum(record.cost_nano_usd or 0 for each in machines for record in each.records())


def test_one_dollar_over_two_machines(machine: Machine) -> None:
    here, there = machine("here"), machine("there")
    keys = [here.key(alias, "--owner", "alice@example.com") for alias in ("laptop", "server")]
    there.command("budgets", "set", "person:*", "--usd", "1", "--per", "month")
    calls = [(each, key) for key in keys for each in (here, there)] * 100
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(_ask, calls))
    assert {200, 429} <= set(statuses) <= {200, 429, 503}
    assert _spent(here, there) == statuses.count(200) * COST
    assert USD - RESERVED <= _spent(here, there) <= USD


def test_a_machine_that_dies_neither_overspends_nor_holds_on(machine: Machine) -> None:
    here, there = machine("here"), machine("there")
    key = here.key("laptop", "--owner", "alice@example.com")
    here.command("budgets", "set", "person:*", "--usd", "1", "--per", "month")
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(_ask, (each, key)) for _ in range(100) for each in (here, there)]
        while len(there.records()) < 10:
            assert not all(answer.done() for answer in answers)
        assert there.process
        there.process.kill()
        there.process.wait()
        statuses = [answer.result() for answer in answers]
    assert 0 in statuses, "some were running when it was killed"
    assert _spent(here, there) <= USD
    again = machine("there")
    with ThreadPoolExecutor(16) as pool:
        rest = list(pool.map(_ask, [(each, key) for _ in range(100) for each in (here, again)]))
    assert set(rest) <= {200, 429, 503}
    assert {200, 429} <= set(rest)
    spent = _spent(here, there)
    # What was running when it died may have been answered by the model, and left a record without an answer.
    assert (statuses + rest).count(200) * COST <= spent <= USD
