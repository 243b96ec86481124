"""Messages through the gateway, judged by Anthropic's own client with strict validation."""

import time
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam

from gateway.ledger.record import Record
from tests.dialects.conftest import OWNER
from tests.fakes.replaying import Replaying
from tests.fixtures.gateway import GatewayProcess

ASKED: list[MessageParam] = [{"role": "user", "content": "How do I cross the street?"}]
BODY: dict[str, Any] = {"max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}


def _stream(client: anthropic.Anthropic, model: str) -> list[Any]:
    return list(client.messages.create(model=model, max_tokens=4096, messages=ASKED, stream=True))


@pytest.mark.parametrize("model", ["m-text", "m-thinking", "m-tools", "m-unknown-events"])
def test_streams_are_anthropics_to_the_letter(gateway: GatewayProcess, key: str, model: str) -> None:
    strict = model != "m-unknown-events"
    client = anthropic.Anthropic(
        base_url=gateway.url, auth_token=key, max_retries=0, _strict_response_validation=strict
    )
    with client:
        events = _stream(client, model)
    assert events[0].type == "message_start"
    assert events[0].message.model == model, "the name that was asked for is the name that answers"
    assert events[-1].type == "message_stop"


def test_thinking_comes_with_its_signature(messages_client: anthropic.Anthropic) -> None:
    with messages_client.messages.stream(model="m-thinking", max_tokens=4096, messages=ASKED) as stream:
        answer = stream.get_final_message()
    thinking, text = answer.content
    assert thinking.type == "thinking"
    assert len(thinking.signature) > 100
    assert text.type == "text"
    assert text.text.endswith("crossing streets.")
    assert answer.usage.output_tokens == 282


def test_whole_answers(messages_client: anthropic.Anthropic) -> None:
    answer = messages_client.messages.create(model="m-tools", max_tokens=4096, messages=ASKED)
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.model == "m-tools"
    assert answer.stop_reason == "tool_use"


@pytest.mark.parametrize("stream", [False, True])
def test_counts_include_what_the_cache_read_and_wrote(
    http: httpx2.Client, gateway: GatewayProcess, stream: bool
) -> None:
    record = _recorded(gateway, http.post("/v1/messages", json={**BODY, "model": "m-cache", "stream": stream}))
    assert (record.input_tokens, record.output_tokens) == (3 + 1111 + 418, 33)
    assert (record.cached_input_tokens, record.cache_write_tokens) == (1111, 418)
    assert record.cost_nano_usd == 3 * 3000 + 1111 * 300 + 418 * 3750 + 33 * 15000
    assert (record.api, record.outcome, record.usage_source, record.stream) == ("messages", "ok", "provider", stream)
    assert (record.user_id, record.key_alias) == (OWNER, "alice-laptop")


def test_counts_of_tools_that_ran_at_the_provider_are_the_last_ones(
    http: httpx2.Client, gateway: GatewayProcess
) -> None:
    record = _recorded(gateway, http.post("/v1/messages", json={**BODY, "model": "m-tools", "stream": True}))
    assert (record.input_tokens, record.output_tokens) == (7244, 153)


def test_a_prompt_that_nobody_counted_is_estimated(http: httpx2.Client, gateway: GatewayProcess) -> None:
    asked = {**BODY, "model": "m-no-start", "stream": True, "system": "Be brief. " * 40}
    record = _recorded(gateway, http.post("/v1/messages", json=asked))
    assert (record.outcome, record.output_tokens, record.usage_source) == ("ok", 12, "estimated")
    assert record.input_tokens
    assert 90 <= record.input_tokens <= 130


def test_counting_tokens(messages_client: anthropic.Anthropic, http: httpx2.Client, gateway: GatewayProcess) -> None:
    assert messages_client.messages.count_tokens(model="m-count", messages=ASKED).input_tokens == 1114
    answer = http.post("/v1/messages/count_tokens", json={"model": "m-count", "messages": BODY["messages"]})
    assert answer.json() == {"input_tokens": 1114}, "nothing is added"
    record = _recorded(gateway, answer)
    assert (record.task, record.api, record.outcome) == ("count_tokens", "messages", "ok")
    assert (record.cost_nano_usd, record.usage_source) == (None, "none")


@pytest.mark.parametrize(("model", "attempts"), [("m-no-count", (1, 0)), ("r-text", (1, 0)), ("m-529", (1, 1))])
def test_an_upstream_that_does_not_count(
    http: httpx2.Client, gateway: GatewayProcess, model: str, attempts: tuple[int, int]
) -> None:
    """Its counts are estimated, and it is not asked again where it has no such endpoint."""
    for expected in attempts:
        answer = http.post("/v1/messages/count_tokens", json={"model": model, "messages": BODY["messages"]})
        assert (answer.status_code, answer.headers["x-sekisho-estimated"]) == (200, "input_tokens")
        assert answer.json().keys() == {"input_tokens"}
        assert answer.json()["input_tokens"] > 0
        record = _recorded(gateway, answer)
        assert (record.task, record.outcome, record.attempts) == ("count_tokens", "ok", expected)
        assert (record.cost_nano_usd, record.usage_source) == (None, "none")


@pytest.mark.parametrize("model", ["m-unfinished", "m-breaks", "m-error-inside"])
def test_what_breaks_ends_with_an_error_event(http: httpx2.Client, gateway: GatewayProcess, model: str) -> None:
    answer = http.post("/v1/messages", json={**BODY, "model": model, "stream": True})
    *_, last = answer.content.strip().split(b"\n\n")
    assert last.startswith(b'event: error\ndata: {"type":"error","error":{"type":"')
    assert b"message_stop" not in answer.content, "no invented end"
    record = _recorded(gateway, answer)
    assert (record.outcome, record.status) == ("error", 200)
    assert record.input_tokens == 43, "the upstream told the prompt's tokens before it broke"
    assert record.output_tokens
    assert record.cost_nano_usd


def test_an_error_event_is_raised_by_the_client(messages_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        _stream(messages_client, "m-error-inside")
    with pytest.raises(anthropic.APIStatusError, match="before the answer was complete"):
        _stream(messages_client, "m-unfinished")


def test_a_stream_that_begins_with_its_failure_goes_elsewhere(messages_client: anthropic.Anthropic) -> None:
    for _ in range(4):
        assert _stream(messages_client, "m-second-place")[-1].type == "message_stop"


def test_a_stream_that_begins_with_its_failure_has_its_status(messages_client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.InternalServerError) as refused:
        _stream(messages_client, "m-error-first")
    assert refused.value.status_code == 529


def test_a_leaving_client_pays_for_what_it_read(
    http: httpx2.Client, gateway: GatewayProcess, claude: tuple[Replaying, str]
) -> None:
    with http.stream("POST", "/v1/messages", json={**BODY, "model": "m-slow", "stream": True}) as answer:
        received = b""
        for part in answer.iter_raw():
            received += part
            if received.count(b"content_block_delta") > 20:
                break
    assert claude[0].last.closed.wait(1)
    time.sleep(0.1)
    record = _recorded(gateway, answer)
    assert (record.outcome, record.usage_source, record.input_tokens) == ("cancelled", "estimated", 43)
    assert record.output_tokens
    assert 10 <= record.output_tokens < 282


def _recorded(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    assert answer.status_code == 200, answer.read()
    return gateway.record(answer.headers["x-sekisho-request-id"])
