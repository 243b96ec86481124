"""Nobody with a key stops the others: whatever one body holds, `/healthz` answers meanwhile, and memory is bounded."""

import http.client
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

MIB = 2**20
LONGEST_SECONDS = 1.0
"""The aim is 0.3; a test leaves room for a busy machine. Before there were limits it was 3.6 to 28 seconds."""


def chat(*members: bytes, model: bytes = b'"m"', messages: bytes = b'[{"role":"user","content":"hi"}]') -> bytes:
    return b'{"model":' + model + b',"messages":' + messages + b"".join(b"," + each for each in members) + b"}"


def text(size: int) -> bytes:
    return b'"' + b"x" * size + b'"'


def said(content: bytes) -> bytes:
    return b'[{"role":"user","content":' + content + b"}]"


BODIES: dict[str, tuple[Callable[[], bytes], int]] = {
    "a model name of 20 MB": (lambda: chat(model=text(20 * MIB)), 400),
    "a model name of 300 characters": (lambda: chat(model=text(300)), 404),
    "three million members": (lambda: chat(*(b'"%d":1' % number for number in range(3_000_000))), 400),
    "one member three million times": (lambda: chat(*[b'"a":1'] * 3_000_000), 400),
    "stream_options of 50 MB": (lambda: chat(b'"stream":true,"stream_options":[' + b"1," * 25 * MIB + b"1]"), 400),
    "a user of 50 MB": (lambda: chat(b'"user":' + text(50 * MIB)), 400),
    "an identity of 50 MB": (lambda: chat(b'"sekisho_identity":' + text(50 * MIB)), 400),
    "a number of 5 MB": (lambda: chat(b'"max_tokens":' + b"9" * 5 * MIB), 400),
    "a count of 5 MB": (lambda: chat(b'"n":' + b"9" * 5 * MIB), 400),
    "a text of 50 MB": (lambda: chat(messages=said(text(50 * MIB))), 200),
    "Japanese of 50 MB": (lambda: chat(messages=said(b'"' + "あ".encode() * 17 * MIB + b'"')), 200),
    "twenty million numbers": (lambda: chat(messages=said(b"[" + b"1," * 20 * MIB + b"1]")), 200),
    "a hundred thousand brackets": (lambda: chat(b'"tools":' + b"[" * 100_000 + b"]" * 100_000), 400),
    "a hundred thousand braces": (lambda: chat(b'"metadata":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000), 400),
    "noise of 50 MB": (lambda: b'{"model":"m","messages":["' + os.urandom(50 * MIB) + b'"]}', 400),
    "bytes that are no UTF-8": (lambda: chat(messages=b'[{"role":"user","content":"\xff\xfe"}]'), 400),
    "half a pair": (lambda: chat(messages=b'[{"role":"user","content":"\\ud800"}]'), 400),
    "a number beyond all": (lambda: chat(b'"max_tokens":1e999'), 400),
    "spaces of 50 MB": (lambda: b" " * 50 * MIB + chat(), 200),
}  # fmt: skip
"""Made where they are used: together they are half a gigabyte."""


async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers whatever it is asked, and keeps nothing."""
    while (await receive()).get("more_body"):
        pass
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with serving(upstream) as address:
        price = {"input": 1.0, "output": 1.0}
        config = {"models": [model("m", deployment(address), price=price)]}
        process = GatewayProcess(tmp_path_factory.mktemp("hostile"), config).start()
        yield process
        assert process.stop() == 0, process.log
    assert "Traceback" not in process.log


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.key("hostile")


class Watch:
    """Asks /healthz again and again while the block runs; `longest` is what an answer took, in seconds."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._gateway = gateway
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.longest = 0.0

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", self._gateway.port, timeout=60)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            connection.close()
            self.longest = max(self.longest, time.perf_counter() - began)


def ask(gateway: GatewayProcess, key: str, body: bytes, path: str = "/v1/chat/completions") -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(f"{gateway.url}{path}", content=body, headers=headers, timeout=60, trust_env=False)


@pytest.mark.parametrize("name", BODIES)
def test_one_body_does_not_hold_the_event_loop(gateway: GatewayProcess, key: str, name: str) -> None:
    made, status = BODIES[name]
    body = made()
    with Watch(gateway) as watch:
        answer = ask(gateway, key, body)
    assert answer.status_code == status, answer.text[:500]
    assert watch.longest < LONGEST_SECONDS
    assert len(answer.content) < 4096 or status == 200, "what was sent is not echoed"
    assert gateway.record(answer.headers["x-sekisho-request-id"]).status == status


def test_a_prompt_of_twenty_million_tokens_is_one_prompt(gateway: GatewayProcess, key: str) -> None:
    """It is counted without being made into Python's numbers."""
    body = b'{"model":"m","max_tokens":1,"prompt":[' + b"1," * 20 * MIB + b"1]}"
    with Watch(gateway) as watch:
        answer = ask(gateway, key, body, "/v1/completions")
    assert answer.status_code == 200, answer.text
    assert watch.longest < LONGEST_SECONDS


def test_many_long_bodies_at_once_are_bounded(gateway: GatewayProcess, key: str) -> None:
    body = BODIES["a text of 50 MB"][0]()
    with Watch(gateway) as watch, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(gateway, key, body), range(16)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["error"]["code"] == "too_many_long_requests"
    assert int(refused.headers["retry-after"]) >= 1
    assert watch.longest < 2 * LONGEST_SECONDS
    assert peak_mib(gateway) < 1500
    assert ask(gateway, key, body).status_code == 200, "room was given back"


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "br", "GZIP", "gzip, identity"])
def test_a_compressed_body_is_refused_by_name(gateway: GatewayProcess, key: str, encoding: str) -> None:
    headers = {"authorization": f"Bearer {key}", "content-encoding": encoding}
    answer = httpx2.post(f"{gateway.url}/v1/messages", content=b"\x28\xb5\x2f\xfd", headers=headers, trust_env=False)
    assert answer.status_code == 415
    assert encoding.lower() in answer.json()["error"]["message"]


def test_wrong_keys_are_not_kept(gateway: GatewayProcess) -> None:
    """A key is as long as a head at most, and nobody who has none is remembered by it."""
    body = chat()
    before = peak_mib(gateway)
    with httpx2.Client(base_url=gateway.url, timeout=60, trust_env=False) as client:
        for number in range(1000):
            headers = {"authorization": f"Bearer sk-{number}-" + "x" * 30_000}
            assert client.post("/v1/chat/completions", content=body, headers=headers).status_code == 401
    assert ask(gateway, "sk-" + "x" * MIB, body).status_code == 431
    assert peak_mib(gateway) - before < 15


def peak_mib(gateway: GatewayProcess) -> int:
    assert gateway.process
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1]) // 1024
