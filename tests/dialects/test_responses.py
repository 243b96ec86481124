"""Responses through the gateway, judged by OpenAI's own client with strict validation."""

import json
import time
from typing import Any

import httpx2
import openai
import pytest

from gateway.ledger.record import Record
from tests.fakes.replaying import Replaying
from tests.fixtures.gateway import GatewayProcess


def _stream(client: openai.OpenAI, model: str) -> list[Any]:
    return list(client.responses.create(model=model, input="hi", stream=True))


@pytest.mark.parametrize("model", ["r-text", "r-tools", "r-reasoning"])
def test_streams_are_openais_to_the_letter(responses_client: openai.OpenAI, model: str) -> None:
    events = _stream(responses_client, model)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].response.model == model, "the name that was asked for is the name that answers"
    assert events[-1].type == "response.completed"
    assert events[-1].response.model == model


def test_streams_count_tokens(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/responses", json={"model": "r-cached", "input": "hi", "stream": True})
    record = _recorded(gateway, answer)
    assert (record.input_tokens, record.output_tokens, record.cached_input_tokens) == (9463, 582, 8320)
    assert record.reasoning_tokens == 512
    assert (record.api, record.outcome, record.usage_source, record.stream) == ("responses", "ok", "provider", True)


def test_whole_answers(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/responses", json={"model": "r-text", "input": "hi"})
    assert answer.json()["model"] == "r-text"
    record = _recorded(gateway, answer)
    assert (record.input_tokens, record.output_tokens, record.reasoning_tokens) == (13, 2199, 1920)


def test_an_answer_that_failed_is_no_success(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/responses", json={"model": "r-failed-whole", "input": "hi"})
    assert answer.json()["error"]["code"] == "server_error"
    assert _recorded(gateway, answer).outcome == "error"


def test_a_stream_that_failed_keeps_its_counts(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/responses", json={"model": "r-failed", "input": "hi", "stream": True})
    assert b"event: response.failed" in answer.content
    record = _recorded(gateway, answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("error", 147, 4)


@pytest.mark.parametrize(
    ("model", "says"), [("r-unfinished", "before the answer was complete"), ("r-error-inside", "failed")]
)
def test_what_breaks_is_raised_by_the_client(responses_client: openai.OpenAI, model: str, says: str) -> None:
    with pytest.raises(openai.APIError, match=says):
        _stream(responses_client, model)


def test_what_breaks_ends_with_a_numbered_error_event(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/responses", json={"model": "r-unfinished", "input": "hi", "stream": True})
    *sent, error, failed = (_payload(each) for each in answer.content.strip().split(b"\n\n"))
    assert [error["type"], failed["type"]] == ["error", "response.failed"]
    assert error["error"]["code"] == "upstream_closed"
    assert failed["response"]["error"]["message"] == error["message"]
    numbers = [each["sequence_number"] for each in (*sent, error, failed)]
    assert numbers == list(range(len(numbers)))
    assert b"response.completed" not in answer.content, "no invented end"
    record = _recorded(gateway, answer)
    assert (record.outcome, record.usage_source) == ("error", "estimated")
    assert record.input_tokens
    assert record.output_tokens


def test_a_leaving_client_pays_for_what_it_read(
    http: httpx2.Client, gateway: GatewayProcess, gpt: tuple[Replaying, str]
) -> None:
    body = {"model": "r-slow", "instructions": "Be brief. " * 40, "input": "hi", "stream": True}
    with http.stream("POST", "/v1/responses", json=body) as answer:
        received = b""
        for part in answer.iter_raw():
            received += part
            if received.count(b"output_text.delta") > 4:
                break
    assert gpt[0].last.closed.wait(1)
    time.sleep(0.1)
    record = _recorded(gateway, answer)
    assert (record.outcome, record.usage_source) == ("cancelled", "estimated")
    assert record.input_tokens
    assert 90 <= record.input_tokens <= 110
    assert record.output_tokens


@pytest.mark.parametrize(
    ("more", "param"),
    [({"input": 5}, "input"), ({"background": True}, "background"), ({"background": 1}, "background")],
)
def test_fields_that_cannot_be(http: httpx2.Client, more: dict[str, Any], param: str) -> None:
    answer = http.post("/v1/responses", json={"model": "r-text", **more})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_websocket_is_refused_in_a_way_that_codex_understands(http: httpx2.Client) -> None:
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "openai-beta": "responses_websockets=2026-02-06",
    }
    answer = http.get("/v1/responses", headers=upgrade)
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "websocket_not_supported")
    assert http.get("/v1/responses").status_code == 405


def _payload(event: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.partition(b"data:")[2])
    return found


def _recorded(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    assert answer.status_code == 200, answer.read()
    return gateway.record(answer.headers["x-sekisho-request-id"])
