"""Bad input gets a 4xx that says which field is wrong, and one record."""

from typing import Any

import httpx2
import pytest

from gateway.ledger.record import Record
from tests.fixtures.gateway import GatewayProcess

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"

BAD: list[tuple[str, Any, int, str | None, str]] = [
    (CHAT, b"", 400, None, "no body"),
    (CHAT, b"{not json", 400, None, "not JSON"),
    (CHAT, b"\xff\xfe", 400, None, "not JSON"),
    (CHAT, b"[1]", 400, None, "must be a JSON object"),
    (CHAT, {"messages": MESSAGES}, 400, "model", "missing"),
    (CHAT, {"model": 5, "messages": MESSAGES}, 400, "model", "must be a string"),
    (CHAT, {"model": "", "messages": MESSAGES}, 400, "model", "empty"),
    (CHAT, {"model": "mine"}, 400, "messages", "missing"),
    (CHAT, {"model": "mine", "messages": None}, 400, "messages", "missing"),
    (CHAT, {"model": "mine", "messages": []}, 400, "messages", "empty"),
    (CHAT, {"model": "mine", "messages": "hi"}, 400, "messages", "must be an array"),
    (CHAT, {"model": "mine", "messages": MESSAGES, "stream": "yes"}, 400, "stream", "true or false"),
    (COMPLETIONS, {"model": "fim"}, 400, "prompt", "missing"),
    (EMBEDDINGS, {"model": "embed", "input": ""}, 400, "input", "empty"),
    (EMBEDDINGS, {"model": "mine", "input": "x"}, 400, "model", "is for chat"),
    (CHAT, {"model": "embed", "messages": MESSAGES}, 400, "model", "is for embedding"),
    (CHAT, {"model": "elsewhere", "messages": MESSAGES}, 400, "model", "dialect"),
    (CHAT, {"model": "mime", "messages": MESSAGES}, 404, "model", "Did you mean 'mine'"),
    (CHAT, {"model": "past", "messages": MESSAGES}, 404, "model", "until 2025-05-01"),
    (CHAT, {"model": "mine", "messages": ["x" * 1024 * 1024]}, 413, None, "larger than 1,048,576 bytes"),
]


@pytest.mark.parametrize(("path", "body", "status", "param", "says"), BAD)
def test_bad_requests(
    http: httpx2.Client, gateway: GatewayProcess, path: str, body: Any, status: int, param: str | None, says: str
) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = http.post(path, **sent)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    assert says in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    record = gateway.record(answer.headers["x-sekisho-request-id"])
    assert (record.outcome, record.status, record.error_code) == ("refused", status, error["code"])


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer sk-wrong"}, {"authorization": "Basic abc"}, {"x-api-key": "sk-wrong"}],
    ids=["none", "wrong", "basic", "wrong x-api-key"],
)
def test_no_or_wrong_key(gateway: GatewayProcess, headers: dict[str, str]) -> None:
    body = {"model": "mine", "messages": MESSAGES}
    answer = httpx2.post(gateway.url + CHAT, json=body, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert "sk-wrong" not in answer.text, "an error never repeats a key"
    record = gateway.record(answer.headers["x-sekisho-request-id"])
    assert record.outcome == "refused"
    assert httpx2.get(gateway.url + "/v1/models", headers=headers, trust_env=False).status_code == 401


def test_key_in_x_api_key(gateway: GatewayProcess, key: str) -> None:
    body = {"model": "mine", "messages": MESSAGES}
    answer = httpx2.post(gateway.url + CHAT, json=body, headers={"x-api-key": key}, trust_env=False)
    assert answer.status_code == 200


def test_unknown_routes_speak_openai(http: httpx2.Client) -> None:
    assert http.post("/v1/nowhere", json={}).json()["error"]["code"] == "not_found"
    wrong = http.get(CHAT)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")


FAULTS = [
    ("400", 400, "upstream says 400"),
    ("401", 502, "credentials"),
    ("404", 502, "does not serve the configured model"),
    ("429", 429, "rate limit"),
    ("500", 502, "failed"),
    ("503", 503, "overloaded"),
    ("not-json", 502, ""),
    ("unreachable", 502, "cannot be reached"),
    ("hang", 504, "in time"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "status", "says"), FAULTS)
def test_upstream_faults_before_the_first_byte(
    http: httpx2.Client, gateway: GatewayProcess, model: str, status: int, says: str, stream: bool
) -> None:
    answer = http.post(CHAT, json={"model": model, "messages": MESSAGES, "stream": stream})
    if model == "hang" and stream:  # keep-alive comments have begun the stream by then
        assert b": keepalive" in answer.content
        assert answer.content.endswith(b"\n\n")
        assert b'"code":"upstream_timeout"' in answer.content
        status = 200
    else:
        assert answer.status_code == status, answer.text
        assert says in answer.json()["error"]["message"]
    record = _record(gateway, answer)
    assert (record.outcome, record.status) == ("error", status)
    assert record.attempts >= 1
    assert record.deployment


def test_retry_after_is_passed_on_and_not_waited_out(http: httpx2.Client) -> None:
    answer = http.post(CHAT, json={"model": "429-later", "messages": MESSAGES})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "77")
    assert answer.headers["x-should-retry"] == "false", "a tool with a person before it does not wait that long"
    assert answer.elapsed.total_seconds() < 5


INSIDE = ["breaks", "unfinished", "silent", "error-inside", "too-long"]


@pytest.mark.parametrize("model", INSIDE)
def test_faults_after_the_first_byte_are_events(http: httpx2.Client, gateway: GatewayProcess, model: str) -> None:
    answer = http.post(CHAT, json={"model": model, "messages": MESSAGES, "stream": True})
    events = [line for line in answer.content.split(b"\n\n") if line.startswith(b"data:")]
    assert answer.status_code == 200
    assert b'"error":{' in events[-1], "the last event is the error"
    assert b"[DONE]" not in answer.content
    assert b'"finish_reason":"' not in answer.content, "a broken answer is never called finished"
    record = _record(gateway, answer)
    assert record.outcome == "error"
    if model != "error-inside":
        assert record.usage_source == "estimated"
        assert record.output_tokens is not None


@pytest.mark.parametrize("model", ["third-time", "second-place"])
def test_a_failure_before_the_first_byte_goes_elsewhere(http: httpx2.Client, model: str) -> None:
    for stream in (False, True):
        answer = http.post(CHAT, json={"model": model, "messages": MESSAGES, "stream": stream})
        assert answer.status_code == 200, answer.text


def test_comments_keep_a_waiting_stream_open(http: httpx2.Client) -> None:
    with http.stream("POST", CHAT, json={"model": "late", "messages": MESSAGES, "stream": True}) as answer:
        first = next(answer.iter_raw())
    assert first.startswith(b": keepalive")


def _record(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    return gateway.record(answer.headers["x-sekisho-request-id"])
