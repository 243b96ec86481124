"""A client that leaves in the middle of a translated stream: the upstream's call ends, one record tells of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gateway.ledger.segments import folder, read
from tests.fakes.acting import Acting, Say
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.test_failures import BODIES, PAIRS, PATHS
from tests.translation.test_pairs import WIRES

SAYING = Acting(lambda results: [Say("word " * 200)], pieces=100)


class Endless:
    """Speaks half an answer, then waits until its client leaves."""

    def __init__(self) -> None:
        self.left = threading.Event()

    async def serve(self, request: Request) -> Response:
        body = await request.json()
        wire = request.url.path.rpartition("/")[2].replace("completions", "chat")
        _, stream = SAYING.wires[wire](body, SAYING.script([]), SAYING.pieces)
        return StreamingResponse(self._half(list(stream)), media_type="text/event-stream")

    async def _half(self, events: list[bytes]) -> AsyncIterator[bytes]:
        try:
            for event in events[: len(events) // 2]:
                yield event
            await asyncio.sleep(60)
        finally:
            self.left.set()


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, Endless]]:
    endless = Endless()
    paths = ("/chat/completions", "/responses", "/messages")
    with serving(Starlette(routes=[Route(path, endless.serve, methods=["POST"]) for path in paths])) as address:
        models = [
            {
                "name": wire,
                "deployments": [
                    {"provider": "openai-compatible", "base_url": address, "model": "m", "dialects": [wire]}
                ],
            }
            for wire in WIRES
        ]
        with in_process(tmp_path_factory.mktemp("leaving"), {"models": models}) as gateway:
            yield gateway, endless


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_the_upstream_is_left_at_once(setting: tuple[InProcess, Endless], client: str, upstream: str) -> None:
    gateway, endless = setting
    endless.left.clear()
    body = {**BODIES[client], "model": upstream, "stream": True}
    headers = {"authorization": f"Bearer {gateway.key}"}
    with httpx2.stream("POST", f"{gateway.url}{PATHS[client]}", json=body, headers=headers, timeout=10) as answer:
        request_id = answer.headers["x-sekisho-request-id"]
        next(answer.iter_bytes())
    assert endless.left.wait(5)
    found = []
    for _ in range(100):
        found = [record for record in read(folder(gateway.data_dir)) if record.request_id == request_id]
        if found:
            break
        threading.Event().wait(0.05)
    assert [(record.outcome, record.api, record.error_code) for record in found] == [
        ("cancelled", client, "client_closed")
    ]
    assert (found[0].output_tokens or 0) > 0
