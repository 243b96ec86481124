"""The ledger as requests meet it: public prices, recorded content, a disk that is full."""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.ledger.contents import folder as contents_folder
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess, deployment, model

CONTENT = {"keys": ["recorded"], "encryption_key": base64.b64encode(bytes(range(32))).decode()}


@pytest.fixture
def gateway(tmp_path: Path, upstream: tuple[FakeUpstream, str]) -> Iterator[GatewayProcess]:
    models = [
        model("mine", deployment(upstream[1]), price={"input": 3, "output": 15, "reasoning": 20}),
        model("gpt-5", {**deployment(upstream[1]), "provider": "openai", "model": "gpt-5"}),
        model("free", deployment(upstream[1])),
    ]
    ledger = {"content": CONTENT, "max_bytes": 64 * 1024, "fsync_seconds": 0.05}
    process = GatewayProcess(tmp_path, {"admin_key": "${ADMIN_KEY}", "ledger": ledger, "models": models}).start()
    yield process
    assert process.stop() == 0, process.log


def _ask(gateway: GatewayProcess, key: str, name: str = "mine", **more: Any) -> httpx2.Response:
    body = {"model": name, "messages": [{"role": "user", "content": "canary-question"}], **more}
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=gateway.url, timeout=20, trust_env=False) as http:
        return http.post("/v1/chat/completions", json=body, headers=headers)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_record_says_by_which_price(gateway: GatewayProcess) -> None:
    key = gateway.key("a")
    own = gateway.record(_ask(gateway, key).headers["x-sekisho-request-id"])
    assert own.price_id == "config:mine(input=3,output=15,reasoning=20)"
    assert own.cost_nano_usd == 11 * 3000 + 5 * 15000 + 2 * 20000
    free = gateway.record(_ask(gateway, key, "free").headers["x-sekisho-request-id"])
    assert (free.price_id, free.cost_nano_usd) == (None, None)
    with httpx2.Client(base_url=gateway.url, trust_env=False) as http:
        told = http.get("/v1/me", headers={"authorization": f"Bearer {key}"}).json()["models"]
    prices = {each["id"]: each["price_usd_per_million_tokens"] for each in told}
    assert (prices["gpt-5"]["input"], prices["free"]) == (1.25, None)


@pytest.mark.parametrize("stream", [False, True])
def test_content_is_recorded_for_the_named_key_and_no_other(gateway: GatewayProcess, stream: bool) -> None:
    answer = _ask(gateway, gateway.key("recorded"), stream=stream)
    other = _ask(gateway, gateway.key("another"), stream=stream)
    _until(lambda: bool(list(contents_folder(gateway.data_dir).glob("*-*-*/*.jsonl"))))
    found = json.loads(gateway.command("ledger", "content", answer.headers["x-sekisho-request-id"], "--json"))
    assert "canary-question" in found["prompt"]
    assert found["answer"] == answer.text
    with pytest.raises(AssertionError, match="No content of request"):
        gateway.command("ledger", "content", other.headers["x-sekisho-request-id"])


def test_nobody_is_answered_whom_nobody_could_count(gateway: GatewayProcess) -> None:
    key = gateway.key("a")
    last = _ask(gateway, key)
    while last.status_code == 200:
        last = _ask(gateway, key)
    assert (last.status_code, last.json()["error"]["type"]) == (503, "overloaded_error")
    assert last.headers["retry-after"] == "30"
    with contextlib.closing(httpx2.Client(base_url=gateway.url, trust_env=False)) as http:
        assert http.get("/readyz").status_code == 503
        metrics = http.get("/metrics", headers={"authorization": f"Bearer {ADMIN_KEY}"}).text
        assert "sekisho_ledger_waiting_bytes" in metrics
        gateway.command("ledger", "ship", "--all")
        gateway.command("ledger", "ship")
        _until(lambda: http.get("/readyz").status_code == 200)
        metrics = http.get("/metrics").text
    out = next(line for line in metrics.splitlines() if line.startswith("sekisho_ledger_records_out_total"))
    assert float(out.split()[1]) > 10
    assert _ask(gateway, key).status_code == 200
