"""What goes wrong at an upstream of another wire: each client is told in its own dialect, and no end is invented."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.acting import Acting, Call, Say, Think
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import payloads
from tests.translation.test_pairs import WIRES

Fields = dict[str, Any]

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
BODIES: dict[str, Fields] = {
    "chat": {"messages": [{"role": "user", "content": "hi"}]},
    "responses": {"input": "hi"},
    "messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
}
PAIRS = [(client, upstream) for client in WIRES for upstream in WIRES if client != upstream]
TOO_LONG = "This model's maximum context length is 10 tokens, you sent 11"
SAID = Acting(lambda results: [Think("hm"), Say("Hello there"), Call("read", '{"path":"a"}', "call_1")])


async def misbehave(request: Request) -> Response:
    """Fail as the model's name says: `too-long`, `busy`, `cut`, `breaks`, `whole`, `page`, `nothing`."""
    body = await request.json()
    wire = request.url.path.rpartition("/")[2].replace("completions", "chat")
    kind = body["model"]
    if kind == "too-long":
        return JSONResponse({"error": {"message": TOO_LONG, "type": "invalid_request_error"}}, 400)
    if kind == "busy":
        return JSONResponse({"error": {"message": "slow down", "type": "rate_limit_error"}}, 429, {"retry-after": "7"})
    if kind == "page":
        return HTMLResponse("<html>It works!</html>")
    whole, stream = _WRITE[wire](body)
    if kind == "whole" or not body.get("stream"):
        return JSONResponse(whole if kind != "nothing" else {})
    return StreamingResponse(_spoiled(kind, stream), media_type="text/event-stream")


async def _spoiled(kind: str, stream: list[bytes]) -> AsyncIterator[bytes]:
    if kind == "nothing":
        return
    for event in stream[: len(stream) // 2]:
        yield event
    if kind == "breaks":
        await asyncio.sleep(0.1)  # else the gateway sees the error before it has sent a byte, and answers with a status
        error = {"type": "overloaded_error", "message": "CUDA error at gpu7"}
        yield b"event: error\ndata: " + json.dumps({"type": "error", "error": error}).encode() + b"\n\n"


def _written(wire: str, body: Fields) -> tuple[Fields, list[bytes]]:
    whole, stream = SAID.wires[wire](body, SAID.script([]), 3)
    return whole, list(stream)


_WRITE = {wire: (lambda body, wire=wire: _written(wire, body)) for wire in WIRES}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    routes = [Route(path, misbehave, methods=["POST"]) for path in ("/chat/completions", "/responses", "/messages")]
    with serving(Starlette(routes=routes)) as address:
        models: list[Fields] = [
            {
                "name": f"{kind}-{wire}",
                "deployments": [
                    {"provider": "openai-compatible", "base_url": address, "model": kind, "dialects": [wire]}
                ],
            }
            for kind in ("too-long", "busy", "cut", "breaks", "whole", "page", "nothing")
            for wire in WIRES
        ]
        whole = next(each for each in models if each["name"] == "whole-messages")
        models.append({**whole, "name": "strict-messages", "strict_parameters": True})
        with in_process(tmp_path_factory.mktemp("failures"), {"models": models}) as found:
            yield found


def ask(gateway: InProcess, client: str, model: str, *, stream: bool) -> httpx2.Response:
    return gateway.post(PATHS[client], json={**BODIES[client], "model": model, "stream": stream})


def error_of(client: str, body: Fields) -> Fields:
    """Return the error of an answer in a dialect's own shape."""
    if client == "messages":
        assert body["type"] == "error"
    found = body["error"]
    assert isinstance(found, dict)
    assert "gpu7" not in json.dumps(body)
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_refusals(gateway: InProcess, client: str, upstream: str, stream: bool) -> None:
    answer = ask(gateway, client, f"too-long-{upstream}", stream=stream)
    assert answer.status_code == 400, answer.text
    error = error_of(client, answer.json())
    assert "maximum context length" in error["message"]
    assert error["type"] == "invalid_request_error"
    if client != "messages":
        assert error["code"] == "context_length_exceeded"
    busy = ask(gateway, client, f"busy-{upstream}", stream=stream)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    error_of(client, busy.json())


@pytest.mark.parametrize("kind", ["cut", "breaks"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_stream_that_breaks_ends_as_an_error(gateway: InProcess, client: str, upstream: str, kind: str) -> None:
    answer = ask(gateway, client, f"{kind}-{upstream}", stream=True)
    assert answer.status_code == 200
    events = [json.loads(payload) for payload in payloads(answer.content) if payload != b"[DONE]"]
    kinds = [each.get("type") for each in events]
    if client == "chat":
        error_of("chat", events[-1])
        assert not [each for each in events[:-1] if each["choices"][0]["finish_reason"]]
    elif client == "messages":
        error_of("messages", events[-1])
        assert "message_stop" not in kinds
    else:
        assert kinds[-2:] == ["error", "response.failed"]
        assert [each["sequence_number"] for each in events] == list(range(len(events)))
        error_of("responses", events[-2])
    assert b"gpu7" not in answer.content
    record = gateway.record(answer)
    assert (record.outcome, record.usage_source) == ("error", "estimated")
    assert record.output_tokens


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_server_that_does_not_stream(gateway: InProcess, client: str, upstream: str) -> None:
    """Its whole answer becomes the stream that was asked for."""
    answer = ask(gateway, client, f"whole-{upstream}", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    assert b"Hello there" in answer.content
    assert gateway.record(answer).outcome == "ok"


@pytest.mark.parametrize("kind", ["page", "nothing"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_what_is_no_answer(gateway: InProcess, client: str, upstream: str, stream: bool, kind: str) -> None:
    answer = ask(gateway, client, f"{kind}-{upstream}", stream=stream)
    assert answer.status_code >= 500 or kind == "nothing", answer.text
    if answer.status_code >= 500:
        error_of(client, answer.json())
    assert "It works!" not in answer.text


def test_what_cannot_be_translated_is_refused(gateway: InProcess) -> None:
    answer = gateway.post(PATHS["chat"], json={**BODIES["chat"], "model": "whole-messages", "n": 2})
    assert (answer.status_code, error_of("chat", answer.json())["param"]) == (400, "n")
    assert gateway.record(answer).outcome == "refused"


def test_what_is_dropped_is_told_or_refused(gateway: InProcess) -> None:
    body = {**BODIES["chat"], "seed": 7, "presence_penalty": 0.5}
    told = gateway.post(PATHS["chat"], json={**body, "model": "whole-messages"})
    assert (told.status_code, told.headers["x-sekisho-dropped"]) == (200, "presence_penalty, seed")
    refused = gateway.post(PATHS["chat"], json={**body, "model": "strict-messages"})
    error = error_of("chat", refused.json())
    assert (refused.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", "presence_penalty")
    assert gateway.record(refused).outcome == "refused"
