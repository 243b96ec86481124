"""Deployments of Cohere: asked in its own wire, whatever the client speaks, and billed by its units."""

import json
from collections.abc import Iterator
from typing import Any

import cohere
import pytest

from tests.fakes.cohere import KEY, Cohere, Seen
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import ChatClient, Client, MessagesClient, ResponsesClient
from tests.translation.cohere_wire import check_answer, check_request, event

Fields = dict[str, Any]

USAGE = {
    "billed_units": {"input_tokens": 10, "output_tokens": 3},
    "tokens": {"input_tokens": 500, "output_tokens": 5},
    "cached_tokens": 448,
}
WHOLE: Fields = {
    "id": "c0ffee",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Good day"}]},
    "finish_reason": "COMPLETE",
    "usage": USAGE,
}
FUNCTION = {"name": "read", "arguments": '{"path":"a"}'}
CALLED: Fields = {
    **WHOLE,
    "message": {
        "role": "assistant",
        "tool_plan": "I will read a.",
        "tool_calls": [{"id": "read_1", "type": "function", "function": FUNCTION}],
    },
    "finish_reason": "TOOL_CALL",
}


def _streamed(*events: Fields) -> bytes:
    return b"".join(event(each) for each in events) + b"data: [DONE]\n\n"


def _end(reason: str, **more: Any) -> Fields:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **more}}


BEGUN: Fields = {"type": "message-start", "id": "c0ffee", "delta": {"message": {"role": "assistant", "content": []}}}
WORDS: list[Fields] = [
    {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Good "}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "day"}}}},
    {"type": "content-end", "index": 0},
]
STREAM = _streamed(BEGUN, *WORDS, _end("COMPLETE"))
CALLING = _streamed(
    BEGUN,
    {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will "}}},
    {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "read a."}}},
    {
        "type": "tool-call-start",
        "index": 0,
        "delta": {
            "message": {
                "tool_calls": {"id": "read_1", "type": "function", "function": {"name": "read", "arguments": ""}}
            }
        },
    },
    {
        "type": "tool-call-delta",
        "index": 0,
        "delta": {"message": {"tool_calls": {"function": {"arguments": '{"path":'}}}},
    },
    {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": '"a"}'}}}}},
    {"type": "tool-call-end", "index": 0},
    _end("TOOL_CALL"),
)
ERRORS = {
    "teapot": (400, "invalid request: message must be at least 1 token long"),
    "unknown": (404, "model 'x' not found, make sure the correct model ID was used"),
    "entity": (422, "invalid request: tools"),
    "throttle": (429, "You are using a Trial key, which is limited to 20 API calls / minute"),
    "denied": (498, "invalid token: words"),
    "cancelled": (499, "request cancelled"),
    "internal": (500, "internal server error"),
    "long": (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."),
}


def answered(seen: Seen) -> tuple[int, bytes]:
    said, stream = json.dumps(seen.body), seen.body.get("stream")
    for word, (status, words) in ERRORS.items():
        if word in said:
            return status, json.dumps({"id": "1", "message": words}).encode()
    if "TIMEOUT" in said or "ERROR" in said:
        reason = "TIMEOUT" if "TIMEOUT" in said else "ERROR"
        broken = {**WHOLE, "finish_reason": reason}
        return 200, _streamed(BEGUN, *WORDS, _end(reason, error="It broke")) if stream else json.dumps(broken).encode()
    if "cut" in said:
        return 200, STREAM[: STREAM.index(b"event: message-end")]
    if "tools" in seen.body and '"role": "tool"' not in said:
        return 200, CALLING if stream else json.dumps(CALLED).encode()
    return 200, STREAM if stream else json.dumps(WHOLE).encode()


def _check(seen: Seen) -> None:
    if seen.path == "/v2/chat":
        check_request(seen.body)


@pytest.fixture(scope="module")
def cohere_fake() -> Iterator[tuple[str, Cohere]]:
    fake = Cohere(answered, _check)
    with serving(fake) as address:
        yield address, fake


@pytest.fixture(scope="module")
def gateway(cohere_fake: tuple[str, Cohere], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    address, _ = cohere_fake
    at = {"provider": "cohere", "base_url": address, "api_key": KEY}
    models = [
        {"name": "command", "price": {"input": 2, "output": 10}, "deployments": [{**at, "model": "command-a-03-2025"}]},
        {"name": "versioned", "deployments": [{**at, "base_url": f"{address}/v2/", "model": "command-a-03-2025"}]},
        {"name": "nokey", "deployments": [{**at, "api_key": "another", "model": "command-a-03-2025"}]},
    ]
    with in_process(tmp_path_factory.mktemp("cohere"), {"models": models}) as gateway:
        yield gateway


PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def _asked(client: str, model: str = "command", words: str = "Hello", **more: Any) -> Fields:
    if client == "responses":
        return {"model": model, "input": words, **more}
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": words}], **more}


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_each_client_is_answered_and_pays_what_is_billed(
    gateway: InProcess, cohere_fake: tuple[str, Cohere], client: str, stream: bool
) -> None:
    answer = gateway.post(PATHS[client], json=_asked(client, stream=stream))
    assert answer.status_code == 200, answer.text
    assert ("Good" in answer.text, "day" in answer.text) == (True, True)
    assert cohere_fake[1].seen[-1].body["model"] == "command-a-03-2025"
    record = gateway.record(answer)
    assert (record.input_tokens, record.output_tokens, record.cached_input_tokens) == (10, 3, None)
    assert (record.cost_nano_usd, record.usage_source, record.provider) == (
        10 * 2000 + 3 * 10_000,
        "provider",
        "cohere",
    )


def test_clients_see_all_tokens(gateway: InProcess) -> None:
    usage = gateway.post(PATHS["chat"], json=_asked("chat")).json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (500, 5)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 448


@pytest.mark.parametrize("how", ["generateContent", "streamGenerateContent?alt=sse"])
def test_clients_of_gemini_are_answered(gateway: InProcess, how: str) -> None:
    answer = gateway.post(f"/v1beta/models/command:{how}", json={"contents": [{"parts": [{"text": "Hello"}]}]})
    assert (answer.status_code, "Good" in answer.text) == (200, True), answer.text


def test_base_url_may_name_the_version(gateway: InProcess) -> None:
    assert gateway.post(PATHS["chat"], json=_asked("chat", "versioned")).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", [ChatClient, ResponsesClient, MessagesClient])
def test_a_plan_comes_back_with_its_calls(
    gateway: InProcess, cohere_fake: tuple[str, Cohere], kind: type[Client], stream: bool
) -> None:
    client = kind(gateway, "command", stream=stream)
    client.user("Read a")
    client.ask()
    assert [(name, json.loads(arguments)) for _, name, arguments in client.calls] == [("read", {"path": "a"})]
    client.give("content of a")
    client.ask()
    assert client.said == "Good day"
    asked, result = cohere_fake[1].seen[-1].body["messages"][2:4]
    assert asked["tool_plan"] == "I will read a."
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"path": "a"}
    assert result == {"role": "tool", "tool_call_id": asked["tool_calls"][0]["id"], "content": "content of a"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("teapot", 400, "upstream_refused"),
        ("unknown", 502, "upstream_misconfigured"),
        ("entity", 422, "upstream_refused"),
        ("throttle", 429, "upstream_rate_limited"),
        ("denied", 400, "upstream_refused"),
        ("cancelled", 502, "upstream_error"),
        ("internal", 502, "upstream_error"),
        ("long", 400, "context_length_exceeded"),
    ],
)
def test_errors_are_told(gateway: InProcess, word: str, status: int, code: str, stream: bool) -> None:
    answer = gateway.post(PATHS["chat"], json=_asked("chat", words=word, stream=stream))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    if status not in (502,):
        assert ERRORS[word][1][:30] in answer.text


def test_a_prompt_that_is_too_long_is_so_for_each_client(gateway: InProcess) -> None:
    for client, path in PATHS.items():
        answer = gateway.post(path, json=_asked(client, words="long"))
        assert (answer.status_code, "too many tokens" in answer.text) == (400, True), answer.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("word", ["ERROR", "TIMEOUT"])
@pytest.mark.parametrize("client", PATHS)
def test_an_answer_that_broke_off_is_an_error(gateway: InProcess, client: str, word: str, stream: bool) -> None:
    answer = gateway.post(PATHS[client], json=_asked(client, words=word, stream=stream))
    assert answer.status_code in ((200,) if stream else ()) + ((504,) if word == "TIMEOUT" else (502,)), answer.text
    assert "error" in answer.text
    assert gateway.record(answer).outcome == "error"


@pytest.mark.parametrize("client", PATHS)
def test_a_stream_that_breaks_is_told(gateway: InProcess, client: str) -> None:
    answer = gateway.post(PATHS[client], json=_asked(client, words="cut", stream=True))
    assert "error" in answer.text
    assert gateway.record(answer).outcome == "error"


def test_a_wrong_key_is_the_administrators(gateway: InProcess) -> None:
    answer = gateway.post(PATHS["chat"], json=_asked("chat", "nokey"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_misconfigured")
    assert "another" not in answer.text


def test_tokens_are_estimated(gateway: InProcess) -> None:
    answer = gateway.post("/v1/messages/count_tokens", json=_asked("messages"))
    assert (answer.status_code, answer.headers.get("x-sekisho-estimated")) == (200, "input_tokens"), answer.text


def test_the_official_client_takes_the_fake_for_cohere(cohere_fake: tuple[str, Cohere]) -> None:
    """A fake that lies would be caught here."""
    check_answer(WHOLE)
    question: Any = {"model": "command-a-03-2025", "messages": [cohere.UserChatMessageV2(content="Hello")]}
    with cohere.ClientV2(KEY, base_url=cohere_fake[0]) as client:
        told = client.chat(**question)
        assert told.message.content
        assert (told.message.content[0].text, told.finish_reason) == ("Good day", "COMPLETE")
        events = list(client.chat_stream(**question))
        assert [each.type for each in events] == [each["type"] for each in (BEGUN, *WORDS, _end("COMPLETE"))]
    with cohere.ClientV2("wrong", base_url=cohere_fake[0]) as client, pytest.raises(cohere.errors.UnauthorizedError):
        client.chat(**question)
