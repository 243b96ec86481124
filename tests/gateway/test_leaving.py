"""Clients that leave, gateways that are stopped or killed."""

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from gateway.ledger.record import Record
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

MESSAGES = [{"role": "user", "content": "hi"}]


def _raw_request(gateway: GatewayProcess, key: str, name: str, stream: bool) -> socket.socket:
    """A request on a bare socket, so that the test decides when the connection closes."""
    body = json.dumps({"model": name, "messages": MESSAGES, "stream": stream}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    connection.sendall(head.encode() + body)
    return connection


def _newest(gateway: GatewayProcess, name: str, since: int, seconds: float = 5) -> list[Record]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [record for record in gateway.records() if record.model == name and record.started_at >= since]
        if found:
            time.sleep(0.2)
            return [record for record in gateway.records() if record.model == name and record.started_at >= since]
        time.sleep(0.02)
    return []


@pytest.mark.parametrize(("name", "stream"), [("slow", True), ("hang", True), ("hang", False)])
def test_a_leaving_client_frees_the_upstream(
    gateway: GatewayProcess, key: str, upstream: tuple[FakeUpstream, str], name: str, stream: bool
) -> None:
    fake, before, since = upstream[0], len(upstream[0].seen), time.time_ns() // 1000
    connection = _raw_request(gateway, key, name, stream)
    if name == "slow":
        received = b""
        while received.count(b"data:") < 5:
            received += connection.recv(65536)
    else:
        time.sleep(0.3)
    left = time.monotonic()
    connection.close()
    assert fake.seen[before].closed.wait(1), "the upstream call went on for over a second"
    assert time.monotonic() - left < 1
    (record,) = _newest(gateway, name, since)
    assert (record.outcome, record.error_code, record.status) == ("cancelled", "client_closed", 499)
    assert len(fake.seen) == before + 1, "a cancelled call is not tried elsewhere"
    if name == "slow":
        assert record.usage_source == "estimated"
        assert record.output_tokens
        assert record.output_tokens >= 3


def test_a_stop_lets_running_streams_end(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    config = {"models": [model("slow", deployment(upstream[1], "slow"))]}
    gateway = GatewayProcess(tmp_path, config).start()
    key = gateway.key("tests")
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "slow", "messages": MESSAGES, "stream": True}
    with httpx2.stream(
        "POST", f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=30, trust_env=False
    ) as answer:
        parts = answer.iter_raw()
        next(parts)
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        rest = b"".join(parts)
    assert rest.endswith(b"data: [DONE]\n\n")
    assert gateway.stop() == 0
    (record,) = gateway.records()
    assert record.outcome == "ok"
    assert not list((tmp_path / "data/ledger/segments").glob("*.open")), "a stopped gateway closes its segment"


def test_a_stop_is_bounded(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    config = {"server": {"shutdown_grace_seconds": 1}, "models": [model("hang", deployment(upstream[1], "hang"))]}
    gateway = GatewayProcess(tmp_path, config).start()
    connection = _raw_request(gateway, gateway.key("tests"), "hang", stream=False)
    time.sleep(0.5)
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 5
    connection.close()
    (record,) = gateway.records()
    assert record.outcome == "cancelled"


def test_kill_nine_loses_no_delivered_answer(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    """`kill -9` in the middle of 200 requests: what was fully delivered has its record."""
    config = {"models": [model("mine", deployment(upstream[1])), model("crumbs", deployment(upstream[1], "crumbs"))]}
    gateway = GatewayProcess(tmp_path, config).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}
    delivered: set[str] = set()
    lock, half = threading.Lock(), threading.Event()

    def ask(number: int) -> None:
        stream = number % 2 == 0
        body = {"model": "crumbs" if stream else "mine", "messages": MESSAGES, "stream": stream}
        try:
            answer = client.post("/v1/chat/completions", json=body)
        except httpx2.HTTPError:
            return
        assert not stream or answer.content.endswith(b"data: [DONE]\n\n")
        with lock:
            delivered.add(answer.headers["x-sekisho-request-id"])
            if len(delivered) >= 90:
                half.set()

    with (
        httpx2.Client(base_url=gateway.url, headers=headers, timeout=10, trust_env=False) as client,
        ThreadPoolExecutor(16) as pool,
    ):
        for number in range(200):
            pool.submit(ask, number)
        assert half.wait(30)
        gateway.stop(signal.SIGKILL)
    assert 90 <= len(delivered) < 200, "the kill came in the middle"
    recorded = [record.request_id for record in gateway.records()]
    assert delivered <= set(recorded)
    assert len(recorded) == len(set(recorded))

    gateway.start()
    assert delivered <= {record.request_id for record in gateway.records()}, "recovery at start keeps the records"
    assert len(list((tmp_path / "data/ledger/segments").glob("*.open"))) == 1
    gateway.stop()
