"""Errors speak the client's dialect, whatever the reason and however early."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.fixtures.gateway import GatewayProcess

MESSAGES, COUNT, RESPONSES = "/v1/messages", "/v1/messages/count_tokens", "/v1/responses"
ASKED = {"max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}

REFUSED: list[tuple[str, Any, int, str, str]] = [
    (MESSAGES, b"", 400, "invalid_request_error", "no body"),
    (MESSAGES, b"{not json", 400, "invalid_request_error", "not JSON"),
    (MESSAGES, {**ASKED}, 400, "invalid_request_error", "'model' is missing"),
    (MESSAGES, {"model": "m-text", "max_tokens": 1}, 400, "invalid_request_error", "'messages' is missing"),
    (MESSAGES, {"model": "m-text", "messages": ASKED["messages"]}, 400, "invalid_request_error", "'max_tokens'"),
    (MESSAGES, {**ASKED, "model": "m-text", "max_tokens": "9"}, 400, "invalid_request_error", "must be a number"),
    (MESSAGES, {**ASKED, "model": "m-texd"}, 404, "not_found_error", "Did you mean"),
    (MESSAGES, {**ASKED, "model": "completions-only"}, 400, "invalid_request_error", "It speaks: completions"),
    (COUNT, {**ASKED, "model": "completions-only"}, 400, "invalid_request_error", "dialect ('messages')"),
    (MESSAGES, {**ASKED, "model": "m-text", "pad": "x" * 1024 * 1024}, 413, "request_too_large", "1,048,576 bytes"),
    (MESSAGES, {**ASKED, "model": "m-529"}, 529, "overloaded_error", "is overloaded"),
    (MESSAGES, {**ASKED, "model": "m-401"}, 502, "api_error", "credentials"),
    (MESSAGES, {**ASKED, "model": "m-400"}, 400, "invalid_request_error", "thinking: no"),
    (MESSAGES, {**ASKED, "model": "m-400-llama"}, 400, "invalid_request_error", "'messages' is required"),
    (MESSAGES, {**ASKED, "model": "m-text", "stream": "yes"}, 400, "invalid_request_error", "true or false"),
]


@pytest.mark.parametrize(("path", "body", "status", "kind", "says"), REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_messages(
    http: httpx2.Client, gateway: GatewayProcess, path: str, body: Any, status: int, kind: str, says: str, stream: bool
) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": {"stream": stream and path != COUNT, **body}}
    answer = http.post(path, **sent)
    found = answer.json()
    assert (answer.status_code, found["type"], found["error"]["type"]) == (status, "error", kind), found
    assert says in found["error"]["message"]
    record = gateway.record(answer.headers["x-sekisho-request-id"])
    assert (record.status, record.api) == (status, "messages")
    assert found.get("request_id") in (record.request_id, None)


@pytest.mark.parametrize(
    ("model", "status", "says"),
    [
        ("completions-only", 400, "dialect ('responses')"),
        ("r-400", 400, "decimal below minimum value"),
        ("r-503", 503, "is overloaded"),
        ("r-texd", 404, "Did you mean"),
    ],
)
def test_responses(responses_client: openai.OpenAI, model: str, status: int, says: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        responses_client.responses.create(model=model, input="hi")
    assert refused.value.status_code == status
    assert says in refused.value.message
    assert refused.value.body


def test_keys_in_both_headers(gateway: GatewayProcess, key: str) -> None:
    for named in ({"api_key": key}, {"auth_token": key, "api_key": None}):
        with anthropic.Anthropic(base_url=gateway.url, max_retries=0, **named) as client:
            assert client.messages.count_tokens(model="m-count", messages=[{"role": "user", "content": "hi"}])
    with (
        anthropic.Anthropic(base_url=gateway.url, max_retries=0, api_key="sk-wrong") as client,
        pytest.raises(anthropic.AuthenticationError) as refused,
    ):
        client.messages.count_tokens(model="m-count", messages=[{"role": "user", "content": "hi"}])
    assert refused.value.type == "authentication_error"


def test_paths_that_are_not_there(http: httpx2.Client) -> None:
    for method, path, status, kind in (
        ("GET", MESSAGES, 405, "invalid_request_error"),
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
    ):
        answer = http.request(method, path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
        assert answer.json()["type"] == "error"


def test_models_as_anthropic_lists_them(messages_client: anthropic.Anthropic, responses_client: openai.OpenAI) -> None:
    listed = messages_client.models.list()
    assert "m-text" in {model.id for model in listed.data}
    assert messages_client.models.retrieve("m-text").display_name == "m-text"
    assert "m-text" in {model.id for model in responses_client.models.list()}
    with pytest.raises(anthropic.NotFoundError):
        messages_client.models.retrieve("nobody")


@pytest.mark.parametrize("path", [COUNT, "/v1/embeddings"])
def test_what_answers_in_one_piece_does_not_stream(http: httpx2.Client, path: str) -> None:
    answer = http.post(path, json={**ASKED, "model": "m-count", "input": "x", "stream": True})
    assert answer.status_code == 400
    assert "answers in one piece" in answer.json()["error"]["message"]
