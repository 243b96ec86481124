"""Changes while many requests run: a reload drops none, a revoked key stops at once, nothing is left behind."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture
def config(upstream: tuple[FakeUpstream, str]) -> dict[str, Any]:
    deployments = [deployment(upstream[1]), deployment(upstream[1])]
    return {"models": [model("mine", *deployments), model("slow", deployment(upstream[1], "slow"))]}


@pytest.fixture
def loaded(config: dict[str, Any], tmp_path: Path) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path, config).start()
    yield gateway
    assert gateway.stop() == 0


async def _load(gateway: GatewayProcess, key: str, stop: asyncio.Event) -> list[tuple[float, httpx2.Response]]:
    """Eight callers, half of them streaming, one request after the other; when each began and what came."""
    headers = {"authorization": f"Bearer {key}"}
    answers: list[tuple[float, httpx2.Response]] = []

    async def caller(client: httpx2.AsyncClient, number: int) -> None:
        while not stop.is_set():
            began = time.monotonic()
            body = {"model": "mine", "messages": MESSAGES, "stream": number % 2 == 0}
            answers.append((began, await client.post("/v1/chat/completions", json=body)))

    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=30, trust_env=False) as client:
        await asyncio.gather(*(caller(client, number) for number in range(8)))
    return answers


async def test_reloads_drop_no_request(loaded: GatewayProcess, config: dict[str, Any]) -> None:
    key = await asyncio.to_thread(loaded.key, "load")
    stop = asyncio.Event()
    load = asyncio.create_task(_load(loaded, key, stop))
    for number in range(3):
        config["models"][0]["description"] = f"edit {number}"
        loaded.configure(config)
        await asyncio.sleep(1.5)
    stop.set()
    answers = [answer for _, answer in await load]
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.content.endswith((b"[DONE]\n\n", b"}")) for answer in answers)
    assert loaded.log.count("configuration changed") >= 2
    ids = [answer.headers["x-sekisho-request-id"] for answer in answers]
    assert sorted(ids) == sorted(record.request_id for record in loaded.records()), "one record a request"


async def test_a_key_revoked_under_load_stops_at_once(loaded: GatewayProcess) -> None:
    key = await asyncio.to_thread(loaded.key, "short")
    stop = asyncio.Event()
    load = asyncio.create_task(_load(loaded, key, stop))
    await asyncio.sleep(1)
    asked = time.monotonic()
    await asyncio.to_thread(loaded.command, "keys", "revoke", "short")
    revoked = time.monotonic()
    await asyncio.sleep(2)
    stop.set()
    answers = await load
    assert {answer.status_code for began, answer in answers if began > revoked + 1} == {401}
    assert {answer.status_code for began, answer in answers if began < asked - 0.5} == {200}
    assert all(answer.status_code in (200, 401) for _, answer in answers), "nothing but yes or no"
