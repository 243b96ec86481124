"""A stream that announces its answer and then thinks: nobody calls that closed."""

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

ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
TEXT = {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def chunk(event: dict[str, Any]) -> bytes:
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **event}
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


async def thinker(scope: Scope, receive: Receive, send: Send) -> None:
    """As many events of the role as the model's name says, a pause, then the answer."""
    announced = int(json.loads((await receive())["body"])["model"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": chunk(ROLE) * announced, "more_body": True})
    await asyncio.sleep(2.5)
    await send({"type": "http.response.body", "body": chunk(TEXT) + chunk(STOP) + b"data: [DONE]\n\n"})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with serving(thinker) as address:
        models = [model(f"m{number}", deployment(address, str(number))) for number in (0, 1, 2)]
        folder: Path = tmp_path_factory.mktemp("announcement")
        process = GatewayProcess(folder, {"models": models}).start()
        yield process
        assert process.stop() == 0, process.log


@pytest.mark.parametrize("announced", [0, 1, 2])
def test_a_pause_behind_the_announcement_is_waited_for(gateway: GatewayProcess, announced: int) -> None:
    key = gateway.key(f"thinking {announced}")
    body = {"model": f"m{announced}", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert "hello" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.headers["x-sekisho-attempts"] == "1"


def test_announcements_that_come_together_are_shown_after_a_second(gateway: GatewayProcess) -> None:
    key = gateway.key("together")
    body = {"model": "m2", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    with httpx2.stream("POST", url, json=body, headers=headers, timeout=20, trust_env=False) as answer:
        first = next(answer.iter_raw())
    assert b"assistant" in first
    assert b"hello" not in first
