"""Bursts are the rule: 40 requests within six seconds before eight places."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture
def busy(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> Iterator[GatewayProcess]:
    """One deployment with eight places, 1.5 seconds each: a little over five requests a second."""
    config: dict[str, Any] = {
        "admission": {"max_waiting": 60, "supersede_completions": False, "patience": {"task": 1.0}},
        "models": [model("steady", deployment(upstream[1], "steady", max_concurrency=8))],
    }
    gateway = GatewayProcess(tmp_path, config).start()
    yield gateway
    gateway.stop()


@dataclass
class Answered:
    kind: str
    status: int
    seconds: float
    retry_after: str | None
    request_id: str


async def _one(client: httpx2.AsyncClient, kind: str, delay: float) -> Answered:
    await asyncio.sleep(delay)
    path, body = "/v1/chat/completions", {"model": "steady", "messages": MESSAGES}
    if kind == "completion":
        path, body = "/v1/completions", {"model": "steady", "prompt": "def f("}
    headers = {"x-openwebui-user-id": "u1", "x-sekisho-task": "title_generation" if kind == "task" else ""}
    began = time.monotonic()
    answer = await client.post(path, json=body, headers=headers)
    seconds = time.monotonic() - began
    return Answered(
        kind, answer.status_code, seconds, answer.headers.get("retry-after"), answer.headers["x-sekisho-request-id"]
    )


async def test_completions_wait_least_and_tasks_are_refused_first(busy: GatewayProcess) -> None:
    key = await asyncio.to_thread(busy.key, "chat", "--identity", "open-webui")
    kinds = ["completion"] * 20 + ["chat"] * 12 + ["task"] * 8
    delays = [(number * 7 % 40) / 40 * 6 for number in range(40)]
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=busy.url, headers=headers, timeout=60, trust_env=False) as client:
        arrivals = [_one(client, kind, delay) for kind, delay in zip(kinds, delays, strict=True)]
        # The quiet average: others keep the places busy from the start.
        background = [_one(client, "chat", 0.0) for _ in range(16)]
        answers = await asyncio.gather(*arrivals, *background)
    refused = [each for each in answers if each.status != 200]
    assert {each.kind for each in refused} <= {"task"}, "tasks are the first to be refused"
    assert refused, "the burst was larger than the capacity"
    assert all(each.status == 429 and int(each.retry_after or 0) >= 1 for each in refused)
    waits = {
        kind: _p95([each.seconds - 1.5 for each in answers if each.kind == kind]) for kind in ("completion", "chat")
    }
    print(f"p95 waits: {waits}, refused {len(refused)}")
    assert waits["completion"] < waits["chat"]
    records = {record.request_id: record for record in busy.records()}
    assert {each.request_id for each in answers} == set(records), "nothing is lost"
    assert all(records[each.request_id].outcome == "refused" for each in refused)


async def test_a_newer_completion_supersedes_the_older(gateway: GatewayProcess, key: str) -> None:
    """Typing goes on: the older request ends at once, upstream too, unless a header keeps it."""
    headers = {"authorization": f"Bearer {key}", "user-agent": "Continue/1.0"}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=60, trust_env=False) as client:

        async def complete(**more: str) -> httpx2.Response:
            return await client.post("/v1/completions", json={"model": "steady", "prompt": "def f("}, headers=more)

        older = asyncio.create_task(complete())
        await asyncio.sleep(0.3)
        began = time.monotonic()
        newer = asyncio.create_task(complete())
        first = await older
        assert time.monotonic() - began < 1
        assert (first.status_code, first.json()["error"]["code"]) == (409, "superseded")
        kept = await complete(**{"x-sekisho-supersede": "off"})
        assert ((await newer).status_code, kept.status_code) == (200, 200)
    record = gateway.record(first.headers["x-sekisho-request-id"])
    assert (record.outcome, record.status) == ("cancelled", 409)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def test_one_persons_upload_does_not_hold_everybody_up(
    upstream: tuple[FakeUpstream, str], tmp_path: Path
) -> None:
    """Persons take turns: who asks for one thing waits for one of another's many."""
    models = [model("steady", deployment(upstream[1], "steady", max_concurrency=1))]
    gateway = GatewayProcess(tmp_path, {"models": models}).start()
    ended: list[str] = []
    try:
        key = await asyncio.to_thread(gateway.key, "chat", "--identity", "open-webui")
        async with httpx2.AsyncClient(base_url=gateway.url, timeout=60, trust_env=False) as client:

            async def ask(person: str, delay: float) -> None:
                await asyncio.sleep(delay)
                headers = {"authorization": f"Bearer {key}", "x-openwebui-user-id": person}
                body = {"model": "steady", "messages": MESSAGES}
                answer = await client.post("/v1/chat/completions", json=body, headers=headers)
                assert answer.status_code == 200, answer.text
                ended.append(person)

            await asyncio.gather(*(ask("many", 0.0) for _ in range(5)), ask("one", 0.5))
    finally:
        gateway.stop()
    assert "one" in ended[:3], ended
