"""Limits in a running gateway: refused in time, settled after, one person one budget, restored at start."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

CHAT = "/v1/chat/completions"
BODY = {"model": "paid", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 10}
COST = 7 * 3000 + 4 * 300 + 7 * 15000
"""nano-USD: what the fake's usage costs at the price below."""


@pytest.fixture
def limited(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> Iterator[GatewayProcess]:
    price = {"input": 3.0, "output": 15.0, "cached_input": 0.3}
    models = [
        model("paid", deployment(upstream[1]), price=price),
        model("slow", deployment(upstream[1], "slow"), price=price),
    ]
    config = {"models": models, "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"}}
    gateway = GatewayProcess(tmp_path, config).start()
    yield gateway
    gateway.stop()


def _client(gateway: GatewayProcess, key: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=gateway.url, headers=headers, timeout=30, trust_env=False)


def test_rates_and_their_headers(limited: GatewayProcess) -> None:
    options = ("--requests-per-minute", "3", "--tokens-per-minute", "100000")
    with _client(limited, limited.key("rated", *options)) as client:
        answers = [client.post(CHAT, json=BODY) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["x-ratelimit-limit-tokens"] == "100000"
    refused = answers[3]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert "x-should-retry" not in refused.headers
    assert (refused.json()["error"]["type"], refused.json()["error"]["code"]) == ("requests", "rate_limit_exceeded")
    assert limited.record(refused.headers["x-sekisho-request-id"]).outcome == "refused"


def test_parallel_requests_and_a_leaving_client(limited: GatewayProcess) -> None:
    key = limited.key("few", "--parallel-requests", "1")
    slow = {**BODY, "model": "slow", "stream": True}
    with _client(limited, key) as client, _client(limited, key) as other:
        with client.stream("POST", CHAT, json=slow) as answer:
            parts = answer.iter_raw()
            next(parts)
            assert other.post(CHAT, json=BODY).status_code == 429
        deadline = time.monotonic() + 2
        while (status := other.post(CHAT, json=BODY).status_code) != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert status == 200, "a client that left holds nothing"


def test_four_hundred_requests_on_one_budget(limited: GatewayProcess) -> None:
    """Spending never passes the budget by more than one request's reservation, and equals the ledger's sum."""
    budget = 60 * COST
    key = limited.key("capped", "--budget-usd", f"{budget / 1e9:.9f}", "--budget-per", "month")
    with _client(limited, key) as client, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: client.post(CHAT, json=BODY), range(400)))
        told = client.get("/v1/me").json()["limits"][0]
    codes = [each.json()["error"]["code"] for each in answers if each.status_code != 200]
    assert set(codes) == {"insufficient_quota"}
    spent = sum(record.cost_nano_usd or 0 for record in limited.records())
    assert spent <= budget
    assert spent == sum(each.status_code == 200 for each in answers) * COST
    assert spent >= budget - 3 * COST, "estimates do not lock anybody out for long"
    assert (told["used"], told["reserved"]) == (spent / 1e9, 0)


def test_one_person_has_one_budget_over_chat_and_own_keys(limited: GatewayProcess) -> None:
    limited.command("budgets", "set", "person:alice@example.com", "--usd", f"{3.5 * COST / 1e9:.9f}", "--per", "month")
    own = limited.key("laptop", "--owner", "Alice@example.com")
    chat = limited.key("chat", "--identity", "open-webui")
    as_alice = {"x-openwebui-user-id": "u-1", "x-openwebui-user-email": "alice@example.com"}
    time.sleep(0.5)
    with _client(limited, own) as laptop, _client(limited, chat) as browser:
        statuses = [
            laptop.post(CHAT, json=BODY).status_code,
            browser.post(CHAT, json=BODY, headers=as_alice).status_code,
        ]
        while statuses[-1] == 200 and len(statuses) < 10:
            statuses.append(laptop.post(CHAT, json=BODY).status_code)
        assert statuses[-1] == 429
        assert browser.post(CHAT, json=BODY, headers=as_alice).status_code == 429
        assert browser.post(CHAT, json=BODY, headers={**as_alice, "x-openwebui-user-email": "bob@x"}).status_code == 200
        me = laptop.get("/v1/me").json()
    assert me["key"]["alias"] == "laptop"
    assert [limit["scope"] for limit in me["limits"]] == ["person:alice@example.com"]
    assert me["models"][0]["price_usd_per_million_tokens"]["output"] == 15.0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_spending_survives_the_process(limited: GatewayProcess, sign: signal.Signals) -> None:
    key = limited.key("remembered", "--budget-usd", f"{10 * COST / 1e9:.9f}", "--budget-per", "week")
    with _client(limited, key) as client:
        for _ in range(3):
            assert client.post(CHAT, json=BODY).status_code == 200
        limited.stop(sign)
        limited.start()
        (limit,) = client.get("/v1/me").json()["limits"]
    assert limit["used"] == 3 * COST / 1e9
    assert limit["left"] == 7 * COST / 1e9


def test_a_soft_budget_warns(limited: GatewayProcess) -> None:
    options = ("--budget-usd", "0.0000001", "--budget-per", "day", "--budget-warns")
    with _client(limited, limited.key("soft", *options)) as client:
        client.post(CHAT, json=BODY)
        answer = client.post(CHAT, json=BODY)
    assert answer.status_code == 200
    assert "used up" in answer.headers["x-sekisho-warning"]
