"""Deployments on Amazon Bedrock: signed, asked in the wire of their model, read from their frames."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.providers.bedrock import ANTHROPIC_VERSION
from tests.fakes.bedrock import BEARER, KEY_ID, SECRET, TOKEN, Bedrock, Seen, invoked
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import ChatClient, Client, MessagesClient, ResponsesClient
from tests.translation.converse_wire import check_request, encoded, frame

Fields = dict[str, Any]

REGION = "eu-central-1"
NOVA = "eu.amazon.nova-lite-v1:0"
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"
QUESTION: Fields = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
USAGE = {
    "inputTokens": 10,
    "outputTokens": 3,
    "totalTokens": 33,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 0,
}
WHOLE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Good day"}]}},
    "stopReason": "end_turn",
    "usage": USAGE,
    "metrics": {"latencyMs": 5},
}
STREAM = encoded(
    [
        ("messageStart", {"p": "abcd", "role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Good "}, "p": "ab"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "day"}, "p": ""}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
    ]
)
SIGNED = {"reasoningContent": {"reasoningText": {"text": "I look.", "signature": "c2lnbmVk"}}}
CALLED = {"toolUse": {"toolUseId": "tooluse_1", "name": "read", "input": {"path": "a"}}}
CALL = {**WHOLE, "output": {"message": {"role": "assistant", "content": [SIGNED, CALLED]}}, "stopReason": "tool_use"}
CALLING = encoded(
    [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "I look."}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2lnbmVk"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "read"}}},
        ),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"path":'}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"a"}'}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
    ]
)
MESSAGE: Fields = {
    "id": "msg_bdrk_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Good day"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0, "output_tokens": 3},
}
EVENTS: list[Fields] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good day"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 10, "outputTokenCount": 3}},
]


def answered(seen: Seen) -> tuple[int, bytes]:
    said = json.dumps(seen.body)
    if "throttle" in said and not seen.operation.endswith("stream"):
        return 429, b"Too many requests, please wait before trying again."
    if "quota" in said:
        return 400, b"You have reached your quota."
    if "throttle" in said:
        return 200, frame("exception", "throttlingException", b'{"message":"Too many requests"}')
    if "break" in said:
        return 200, STREAM[:200] + frame("exception", "modelStreamErrorException", b'{"message":"It broke"}')
    if "toolConfig" in seen.body and "toolResult" not in said:
        return 200, CALLING if seen.operation.endswith("stream") else json.dumps(CALL).encode()
    answers = {
        "converse": json.dumps(WHOLE).encode(),
        "converse-stream": STREAM,
        "invoke": json.dumps(MESSAGE).encode(),
        "invoke-with-response-stream": invoked(EVENTS, frame),
    }
    return 200, answers[seen.operation]


def checked(seen: Seen) -> None:
    if seen.operation.startswith("converse"):
        check_request(seen.body, {"converse": "Converse", "converse-stream": "ConverseStream"}[seen.operation])
        return
    assert seen.body["anthropic_version"] == ANTHROPIC_VERSION
    assert not {"model", "stream"} & set(seen.body)
    assert "anthropic-beta" not in seen.headers


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, Bedrock]]:
    fake = Bedrock(answered, REGION, checked)
    with pytest.MonkeyPatch.context() as patch, serving(fake) as address:
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
            patch.setenv(f"AWS_{name}", value)
        at = {"provider": "bedrock", "region": REGION, "base_url": address}
        models = [
            {"name": "nova", "price": {"input": 1, "output": 1}, "deployments": [{**at, "model": NOVA}]},
            {"name": "claude", "deployments": [{**at, "model": CLAUDE}]},
            {"name": "converse", "deployments": [{**at, "model": CLAUDE, "dialects": ["converse"]}]},
            {"name": "arn", "deployments": [{**at, "model": ARN}]},
            {"name": "key", "deployments": [{**at, "model": NOVA, "api_key": BEARER}]},
            {"name": "nobody", "deployments": [{**at, "model": NOVA, "profile": "no-such-profile"}]},
        ]
        with in_process(tmp_path_factory.mktemp("bedrock"), {"models": models}) as gateway:
            yield gateway, fake


PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def _asked(client: str, model: str, **more: Any) -> Fields:
    body: Fields = {"model": model, **QUESTION, **more}
    if client == "responses":
        body = {"model": model, "input": "Hello", **more}
    return body


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "operation"),
    [("nova", "converse"), ("claude", "invoke"), ("converse", "converse"), ("arn", "converse"), ("key", "converse")],
)
def test_each_client_is_answered(
    clouds: tuple[InProcess, Bedrock], client: str, stream: bool, model: str, operation: str
) -> None:
    gateway, fake = clouds
    answer = gateway.post(PATHS[client], json=_asked(client, model, stream=stream))
    assert answer.status_code == 200, (answer.text, fake.refused)
    assert "Good" in answer.text
    assert "day" in answer.text
    streamed = {"converse": "converse-stream", "invoke": "invoke-with-response-stream"}
    seen = fake.seen[-1]
    assert seen.operation == (streamed[operation] if stream else operation)
    assert seen.model == {"nova": NOVA, "key": NOVA, "arn": ARN}.get(model, CLAUDE)
    assert ":" not in seen.path
    record = gateway.record(answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 30, 3)
    assert record.cached_input_tokens == 20


def test_messages_of_claude_pass_untouched(clouds: tuple[InProcess, Bedrock]) -> None:
    gateway, fake = clouds
    odd = {"context_management": {"edits": []}, "stream": True, "temperature": 0.10}
    headers = {
        "anthropic-beta": "context-management-2025-06-27, claude-code-20250219",
        "anthropic-version": "2023-06-01",
    }
    answer = gateway.post("/v1/messages?beta=true", json={"model": "claude", **QUESTION, **odd}, headers=headers)
    assert answer.status_code == 200, answer.text
    sent = {
        **QUESTION,
        "context_management": {"edits": []},
        "temperature": 0.10,
        "anthropic_version": ANTHROPIC_VERSION,
    }
    assert fake.seen[-1].body == {**sent, "anthropic_beta": ["context-management-2025-06-27"]}
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    assert [name.removeprefix("event: ") for name, _ in events] == [event["type"] for event in EVENTS]
    got = [json.loads(data.removeprefix("data: ")) for _, data in events]
    assert got[0]["message"]["model"] == "claude"
    assert got[1:] == EVENTS[1:]


@pytest.mark.parametrize("model", ["nova", "claude"])
@pytest.mark.parametrize("client", PATHS)
def test_a_throttled_stream_is_a_429(clouds: tuple[InProcess, Bedrock], client: str, model: str) -> None:
    gateway, _ = clouds
    for stream in (False, True):
        body = json.loads(json.dumps(_asked(client, model, stream=stream)).replace("Hello", "throttle"))
        answer = gateway.post(PATHS[client], json=body)
        assert (answer.status_code, "Too many requests" in answer.text) == (429, True), answer.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", [ChatClient, ResponsesClient, MessagesClient])
def test_reasoning_comes_back_signed(clouds: tuple[InProcess, Bedrock], kind: type[Client], stream: bool) -> None:
    gateway, fake = clouds
    client = kind(gateway, "converse", stream=stream)
    client.user("Read a")
    client.ask()
    assert [(name, json.loads(arguments)) for _, name, arguments in client.calls] == [("read", {"path": "a"})]
    client.give("content of a")
    client.ask()
    assert client.said == "Good day"
    asked, answer = fake.seen[-1].body["messages"][1:3]
    assert asked == {"role": "assistant", "content": [SIGNED, CALLED]}
    result = {"toolUseId": "tooluse_1", "content": [{"text": "content of a"}]}
    assert answer == {"role": "user", "content": [{"toolResult": result}]}


@pytest.mark.parametrize("stream", [False, True])
def test_a_quota_that_is_used_up_is_a_429(clouds: tuple[InProcess, Bedrock], stream: bool) -> None:
    gateway, _ = clouds
    body = json.loads(json.dumps(_asked("chat", "nova", stream=stream)).replace("Hello", "quota"))
    answer = gateway.post(PATHS["chat"], json=body)
    assert (answer.status_code, "reached your quota" in answer.text) == (429, True), answer.text


@pytest.mark.parametrize("how", ["generateContent", "streamGenerateContent?alt=sse"])
@pytest.mark.parametrize("model", ["nova", "claude"])
def test_clients_of_gemini_are_answered(clouds: tuple[InProcess, Bedrock], model: str, how: str) -> None:
    gateway, _ = clouds
    answer = gateway.post(f"/v1beta/models/{model}:{how}", json={"contents": [{"parts": [{"text": "Hello"}]}]})
    assert answer.status_code == 200, answer.text
    assert "Good" in answer.text


def test_tokens_are_estimated(clouds: tuple[InProcess, Bedrock]) -> None:
    gateway, _ = clouds
    for model in ("nova", "claude"):
        answer = gateway.post("/v1/messages/count_tokens", json={"model": model, **QUESTION})
        assert (answer.status_code, answer.headers.get("x-sekisho-estimated")) == (200, "input_tokens"), answer.text


@pytest.mark.parametrize("client", PATHS)
def test_a_stream_that_breaks_is_told(clouds: tuple[InProcess, Bedrock], client: str) -> None:
    gateway, _ = clouds
    body = json.loads(json.dumps(_asked(client, "nova", stream=True)).replace("Hello", "break"))
    answer = gateway.post(PATHS[client], json=body)
    assert answer.status_code in (200, 502)
    assert "error" in answer.text
    assert gateway.record(answer).outcome == "error"


def test_without_credentials_the_log_names_the_profile(
    clouds: tuple[InProcess, Bedrock], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, _ = clouds
    with caplog.at_level(logging.WARNING):
        answer = gateway.post(PATHS["chat"], json=_asked("chat", "nobody"))
    assert answer.status_code == 503, answer.text
    assert "no-such-profile" not in answer.text
    assert "profile 'no-such-profile'" in caplog.text
    assert SECRET not in caplog.text
