"""Clients that do not read: their pause is not the deployment's fault, and they hold nobody's place."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

PART = "x" * 60_000
IDLE_SECONDS = 2
WRITE_SECONDS = 4


SIZES = {"half": 10, "much": 200, "endless": 10**9}


class Upstream:
    """Streams as fast as it can: `half` 600 KB, `much` 12 MB, `endless` until it is cut off."""

    def __init__(self) -> None:
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = json.loads((await receive())["body"])["model"]
        self.running += 1
        try:
            await self._stream(name, send)
        finally:
            self.running -= 1

    async def _stream(self, name: str, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.get_running_loop().time() + 60
        for _ in range(SIZES[name]):
            await send({"type": "http.response.body", "body": _chunk({"content": PART}, None), "more_body": True})
            await asyncio.sleep(0)
            if asyncio.get_running_loop().time() > gone:
                return
        await send({"type": "http.response.body", "body": _chunk({}, "stop") + b"data: [DONE]\n\n"})


def _chunk(delta: dict[str, str], reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(whole, separators=(",", ":")).encode() + b"\n\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with serving(Upstream()) as address:
        models = [
            model(name, deployment(address, name, max_concurrency=1, idle_timeout=IDLE_SECONDS)) for name in SIZES
        ]
        config = {"server": {"write_seconds": WRITE_SECONDS, "keepalive_seconds": 0.5}, "models": models}
        process = GatewayProcess(tmp_path_factory.mktemp("stalled"), config).start()
        yield process
        assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.key("stalled")


def opened(gateway: GatewayProcess, key: str, name: str) -> socket.socket:
    """A stream whose client reads nothing."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", gateway.port))
    body = json.dumps({"model": name, "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
    made.sendall(head.encode() + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    return made


def ask(gateway: GatewayProcess, key: str, name: str) -> httpx2.Response:
    """A stream that is read."""
    body = {"model": name, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    return httpx2.post(url, json=body, headers=headers, timeout=30, trust_env=False)


def test_a_place_is_free_as_soon_as_its_upstream_is_done(gateway: GatewayProcess, key: str) -> None:
    with opened(gateway, key, "half"):
        time.sleep(0.5)
        began = time.monotonic()
        assert ask(gateway, key, "half").text.endswith("data: [DONE]\n\n")
        assert time.monotonic() - began < WRITE_SECONDS - 1


def test_a_pause_of_the_client_is_not_the_deployment_s(gateway: GatewayProcess, key: str) -> None:
    with opened(gateway, key, "much") as client:
        time.sleep(IDLE_SECONDS + 1)
        got = b""
        while part := client.recv(1 << 20):
            got += part
    assert b"data: [DONE]" in got
    assert b'"error"' not in got
    assert got.count(b"x") >= 200 * len(PART)


def test_who_never_reads_is_left_and_the_place_goes_on(gateway: GatewayProcess, key: str) -> None:
    with opened(gateway, key, "endless"):
        time.sleep(0.5)
        deadline = time.monotonic() + WRITE_SECONDS + 10
        while time.monotonic() < deadline:
            found = [each for each in gateway.records() if each.model == "endless"]
            if found:
                break
            time.sleep(0.1)
    assert [(each.outcome, each.error_code, each.usage_source) for each in found] == [
        ("cancelled", "client_closed", "estimated")
    ]
    assert found[0].output_tokens
    assert "endless" not in gateway.log, "nobody blames the deployment"
