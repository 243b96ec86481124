"""Embeddings under load: persons take turns, and who is refused learns that it is busy and when to ask again."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

VECTOR = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}


class Upstream:
    """Answers embeddings, one after the other; keeps the order in which they came."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(str(json.loads((await receive())["body"])["input"]))
        await asyncio.sleep(0.05)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(VECTOR).encode()})


@pytest.fixture
def vectors(tmp_path: Path) -> Iterator[tuple[GatewayProcess, Upstream]]:
    """One deployment with one place, and a queue of thirty."""
    upstream = Upstream()
    with serving(upstream) as address:
        models = [model("vectors", deployment(address, max_concurrency=1), mode="embedding")]
        gateway = GatewayProcess(tmp_path, {"admission": {"max_waiting": 30}, "models": models}).start()
        yield gateway, upstream
        gateway.stop()


async def embed(client: httpx2.AsyncClient, person: str, text: str) -> httpx2.Response:
    headers = {"x-openwebui-user-id": person, "x-openwebui-user-email": f"{person}@example.com"}
    return await client.post("/v1/embeddings", json={"model": "vectors", "input": text}, headers=headers)


async def test_a_file_of_hundreds_of_pages_leaves_others_their_turn(vectors: tuple[GatewayProcess, Upstream]) -> None:
    gateway, upstream = vectors
    key = await asyncio.to_thread(gateway.key, "chat", "--identity", "open-webui")
    headers: dict[str, Any] = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=60, trust_env=False) as client:
        pages = [asyncio.create_task(embed(client, "aoi", f"page {number}")) for number in range(60)]
        await asyncio.wait(pages, return_when=asyncio.FIRST_COMPLETED)
        before = len(upstream.asked)
        answers = await asyncio.gather(embed(client, "ben", "ben"), embed(client, "chie", "chie"))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert max(upstream.asked.index(name) for name in ("ben", "chie")) <= before + 4, "after a page or two of hers"
        refused = [answer for answer in await asyncio.gather(*pages) if answer.status_code != 200]
    assert refused, "sixty at once are more than the queue holds"
    assert {answer.status_code for answer in refused} == {429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    said = {answer.json()["error"]["message"] for answer in refused}
    assert all("has too much to do. Please try again in" in each and "混み合っています" in each for each in said), said
