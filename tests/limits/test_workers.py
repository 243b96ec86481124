"""Two worker processes of one gateway, one budget in Redis."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.limits.conftest import RedisServer

COST = 7 * 3000 + 4 * 300 + 7 * 15000
BODY = {"model": "paid", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}


def test_four_hundred_requests_over_two_workers_keep_one_budget(
    upstream: tuple[FakeUpstream, str], redis_server: RedisServer, tmp_path: Path
) -> None:
    price = {"input": 3.0, "output": 15.0, "cached_input": 0.3}
    config = {
        "server": {"workers": 2},
        "shared_state": redis_server.url,
        # A machine so busy that the store seems away must not pass the budget either.
        "shared_state_failure": "fail_closed",
        "models": [model("paid", deployment(upstream[1]), price=price)],
    }
    gateway = GatewayProcess(tmp_path, config).start()
    budget = 60 * COST
    key = gateway.key("capped", "--budget-usd", f"{budget / 1e9:.9f}", "--budget-per", "month")
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"

    def ask(_: int) -> int:
        # A connection each, so that both workers get some.
        return httpx2.post(url, json=BODY, headers=headers, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(400)))
    assert {200, 429} <= set(statuses) <= {200, 429, 503}
    gateway.stop()
    segments = list((tmp_path / "data/ledger/segments").glob("*.jsonl"))
    assert len(segments) >= 2, "both workers served"
    spent = sum(record.cost_nano_usd or 0 for record in gateway.records())
    assert spent == statuses.count(200) * COST
    assert budget - 3 * COST <= spent <= budget
