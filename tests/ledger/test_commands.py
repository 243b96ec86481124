"""`sekisho ledger …` beside a running gateway."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.config.schema import Config
from gateway.ledger.segments import folder
from gateway.preflight import load
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ENVIRONMENT, GatewayProcess, deployment, model
from tests.ledger.ask import ROOT, ask, count, started

REQUESTS = 7


@pytest.fixture
def gateway(tmp_path: Path, upstream: tuple[FakeUpstream, str]) -> Iterator[GatewayProcess]:
    ledger = {"fsync_seconds": 0.05, "ship_seconds": None}
    process = started(GatewayProcess(tmp_path, {"ledger": ledger, "models": [model("mine", deployment(upstream[1]))]}))
    headers = {"authorization": f"Bearer {process.key('alice-laptop', '--owner', 'alice@example.com')}"}
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    with httpx2.Client(base_url=process.url, headers=headers, trust_env=False, timeout=20) as http:
        for _ in range(REQUESTS):
            assert http.post("/v1/chat/completions", json=body).status_code == 200
    yield process
    assert process.stop() == 0, process.log


def _config(gateway: GatewayProcess) -> Config:
    return load(gateway.file, ENVIRONMENT).config


def _status(gateway: GatewayProcess) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gateway.command("ledger", "status", "--json"))
    return found


def test_everything_is_shipped_while_the_gateway_runs(gateway: GatewayProcess) -> None:
    assert (_status(gateway)["waiting"], _status(gateway)["records_out"]) == (REQUESTS, 0)
    assert "Shipped 0 records" in gateway.command("ledger", "ship"), "what is being written is not closed"
    assert "Shipped 7 records" in gateway.command("ledger", "ship", "--all")
    status = _status(gateway)
    assert (status["records_in"], status["records_out"], status["waiting"]) == (REQUESTS, REQUESTS, 0)
    assert status["lag_seconds"] is None
    assert count(_config(gateway)) == (REQUESTS, REQUESTS)
    assert "records in" in gateway.command("ledger", "status")
    assert "Joined 0 files" in gateway.command("ledger", "compact")


def test_damage_is_told_by_the_exit_code(gateway: GatewayProcess) -> None:
    segment = folder(gateway.data_dir) / "20260101T000000-1-00000000.jsonl"
    segment.write_bytes(b'{"request_id":"x","crc":"00000000"}\n')
    gateway.command("ledger", "ship", "--all")
    with pytest.raises(AssertionError, match="8 records came in, 7 are"):
        gateway.command("ledger", "status")


def test_a_gateway_tends_its_ledger(gateway: GatewayProcess) -> None:
    gateway.stop()
    again = {"fsync_seconds": 0.05, "segment_max_seconds": 0.1, "ship_seconds": 0.1}
    gateway.configure({"ledger": again, "models": []})
    started(gateway)
    deadline = time.monotonic() + 60
    while _status(gateway)["records_out"] < REQUESTS:
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.1)
    assert "was not shipped" not in gateway.log


def test_a_failing_destination_is_logged(gateway: GatewayProcess) -> None:
    gateway.stop()
    again = {"fsync_seconds": 0.05, "ship_seconds": 0.1, "destination": f"{gateway.file}/below-a-file"}
    gateway.configure({"ledger": again, "models": []})
    started(gateway)
    deadline = time.monotonic() + 60
    while "the ledger was not shipped" not in gateway.log:
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.1)
    assert "below-a-file" in (_status(gateway)["problem"] or "")
    assert _status(gateway)["waiting"] == REQUESTS


def test_a_person_is_forgotten_while_the_gateway_runs(gateway: GatewayProcess) -> None:
    done = json.loads(gateway.command("usage", "forget", "Alice@Example.com", "--json"))
    assert (done["records"], done["records_checked"], done["found_after"]) == (REQUESTS, REQUESTS, 0)
    assert ask(_config(gateway), "SELECT DISTINCT user_id, user_email, key_alias FROM ledger") == [(None, None, None)]
    assert "0 name the person; sums are unchanged" in gateway.command("usage", "forget", "alice@example.com")


def test_costs_are_corrected_by_a_command(gateway: GatewayProcess) -> None:
    gateway.command("ledger", "ship", "--all")
    priced = model("mine", deployment("http://127.0.0.1:9"), price={"input": 2, "output": 0})
    ((where,),) = ask(_config(gateway), "SELECT DISTINCT deployment FROM ledger")
    priced["deployments"][0]["base_url"] = f"http://{where.split('@')[1]}/v1"
    gateway.configure({"ledger": {"ship_seconds": None}, "models": [priced]})
    days = ("--from", f"{date.today() - timedelta(1)}", "--to", f"{date.today() + timedelta(1)}")
    assert f"{REQUESTS} of {REQUESTS} records cost something else now" in gateway.command("usage", "reprice", *days)
    assert ask(_config(gateway), "SELECT DISTINCT cost_nano_usd FROM ledger") == [(11 * 2000,)]
    with pytest.raises(AssertionError, match="write it as"):
        gateway.command("usage", "reprice", "--from", "yesterday", "--to", "today")


def test_a_worker_loads_none_of_the_large_libraries() -> None:
    """Its memory and its start are measured; whoever ships or asks loads them."""
    script = (
        "import gateway.app, sys; print(sorted({'duckdb', 'obstore', 'fsspec', 'genai_prices'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
