"""An error is an error, wherever it stands: its own code counts, and its words reach the client without secrets."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from gateway.ledger.record import Record
from tests.fakes.scripted import Script, Scripted, events, whole
from tests.fakes.serving import serving
from tests.fixtures.gateway import PROVIDER_KEY, GatewayProcess, deployment, model

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
ASKED: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": "hi"}]},
    MESSAGES: {"max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]},
    RESPONSES: {"input": "hi"},
}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x"}
HI = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]}
STOP = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ROLE = {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
DONE = b"data: [DONE]\n\n"
COUNTED = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "x",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": COUNTED,
}
BEGUN = {"type": "message_start", "message": {"model": "x", "usage": {"input_tokens": 1}}}
CREATED = {"type": "response.created", "sequence_number": 0, "response": {"id": "r", "model": "x"}}
TOO_LONG = "prompt is too long: 9000 tokens > 4096 maximum"
CONTEXT = {"code": "context_length_exceeded", "message": TOO_LONG}
RATE = {"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429}}
UNKNOWN_OPTION = {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}
UNKNOWN_KEY = {"error": {"message": f"Incorrect API key: {PROVIDER_KEY}"}}
UNPAID = {"error": {"message": f"Insufficient Balance of {PROVIDER_KEY}"}}

SCRIPTS: dict[str, Script] = {
    "good": events(HI, STOP, DONE),
    "good-whole": whole(ANSWER),
    "201": whole(ANSWER, 201),
    "202": whole(ANSWER, 202),
    "201-stream": events(HI, STOP, DONE, status=201),
    "identity": whole(ANSWER, headers={"content-encoding": "Identity"}),
    "error-502-in-200": whole({"error": {"message": "Provider returned error", "code": 502}}),
    "error-400-in-200": whole({"error": {"message": "temperature is too high", "code": 400}}),
    "error-429-in-200": whole(RATE),
    "error-object-in-200": whole(
        {"object": "error", "message": "no such tool", "type": "BadRequestError", "code": 400}
    ),
    "error-array-in-200": whole([{"error": {"code": 400, "message": "no such field"}}]),
    "error-400-first": events({"error": {"message": "no such field", "code": 400}}, DONE),
    "error-400-after-role": events(ROLE, {"error": {"message": "no such field", "code": 400}}),
    "error-503-after-role": events(ROLE, {"error": {"message": "engine died", "code": 503}}),
    "error-500-with-text": events(b"event: error\ndata: out of memory\n\n"),
    "error-400-later": events(HI, b"", {"error": {"message": f"no {PROVIDER_KEY}", "code": 400}}, DONE),
    "error-401-later": events(HI, b"", {"error": {"message": f"bad key {PROVIDER_KEY}", "code": 401}}),
    "stream-of-400": events({"error": {"message": "no such field", "code": 400}}),
    "done-alone": events(DONE),
    "text-alone": events(b"data: hello\n\n"),
    "empty": whole(b""),
    "page": whole(b"<html>Sign in</html>", media_type="text/html"),
    "402": whole(UNPAID, 402),
    "401": whole(UNKNOWN_KEY, 401),
    "403": whole(UNKNOWN_KEY, 403),
    "400-key": whole({"error": {"message": f"Incorrect API key: {PROVIDER_KEY}"}}, 400),
    "400-text": whole(b"no such field", 400, media_type="text/plain"),
    "400-page": whole(b"<html>no such field</html>", 400, media_type="text/html"),
    "400-huge": whole(b'{"error":{"message":"' + b"x" * 3_000_000 + b'"}}', 400),
    "429-words": whole(RATE, 429, headers={"retry-after": "inf"}),
    "429-year": whole(RATE, 429, headers={"retry-after": "31536000"}),
    "no-options": Script(
        events(HI, STOP, DONE).pieces,
        media_type="text/event-stream",
        unless="stream_options",
        otherwise=whole(UNKNOWN_OPTION, 422),
    ),
    "surrogate": whole(b'{"id":"\\ud800","model":"x","choices":[{"message":{"content":"\\ud83d"}}],"usage":{}}'),
    "deep": whole(b'{"choices":[],"usage":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "m-long": events({"type": "error", "error": {"type": "invalid_request_error", "message": TOO_LONG}}),
    "m-long-begun": events(BEGUN, {"type": "error", "error": {"type": "invalid_request_error", "message": TOO_LONG}}),
    "m-long-in-200": whole({"type": "error", "error": {"type": "invalid_request_error", "message": TOO_LONG}}),
    "m-good": events(BEGUN, {"type": "message_delta", "usage": {"output_tokens": 1}}, {"type": "message_stop"}),
    "r-long": events({"type": "error", "sequence_number": 0, **CONTEXT}),
    "r-long-created": events(CREATED, {"type": "response.failed", "response": {"id": "r", "error": CONTEXT}}),
    "r-both": events(
        CREATED,
        {"type": "error", "sequence_number": 1, **CONTEXT},
        {"type": "response.failed", "sequence_number": 2, "response": {"id": "r", "model": "x", "error": CONTEXT}},
    ),
    "r-one": events(CREATED, {"type": "error", "sequence_number": 1, "code": "server_error", "message": "Oh no"}),
    "r-done": events(CREATED, {"type": "response.output_text.delta", "delta": "hi"}, DONE),
    "r-good": events(CREATED, {"type": "response.completed", "response": {"id": "r", "model": "x", "output": []}}),
    "c-long": events({"error": {"message": TOO_LONG, "type": "BadRequestError", "code": 400}}),
    "c-long-in-200": whole({"error": {"message": TOO_LONG, "code": 400}}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Scripted, str]]:
    fake = Scripted(SCRIPTS)
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="module")
def gate(server: tuple[Scripted, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A model for every script, and those that have somewhere else to go."""
    every = ["chat", "completions", "messages", "responses"]

    def at(name: str) -> dict[str, Any]:
        return deployment(server[1], name, dialects=every)

    models = [model(name, at(name)) for name in SCRIPTS]
    for name in ("error-502-in-200", "error-429-in-200", "error-503-after-role", "402", "page", "done-alone"):
        models.append(model(f"{name}-elsewhere", at(name), fallback=["good"]))
    for name in ("m-long", "m-long-begun", "m-long-in-200", "r-long", "r-long-created", "c-long", "c-long-in-200"):
        good = {"m": "large-m", "r": "large-r", "c": "large-c"}[name[0]]
        models.append(model(f"{name}-larger", at(name), fallback=[good], context_window=4096))
    for name, script in (("m", "m-good"), ("r", "r-good"), ("c", "good")):
        models.append(model(f"large-{name}", at(script), context_window=100_000))
    for status in ("401", "402", "403"):
        models.append(model(f"two-{status}", at(status), at("good-whole")))
    models.append(model("two-400", at("error-400-first"), at("good")))
    process = GatewayProcess(tmp_path_factory.mktemp("errors"), {"models": models}).start()
    yield process
    assert process.stop() == 0, process.log
    assert "Traceback" not in process.log
    assert PROVIDER_KEY not in process.log


@pytest.fixture(scope="module")
def asking(gate: GatewayProcess) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {gate.key('errors')}"}
    with httpx2.Client(base_url=gate.url, headers=headers, timeout=20, trust_env=False) as made:
        yield made


def _ask(asking: httpx2.Client, name: str, *, stream: bool, path: str = CHAT) -> httpx2.Response:
    answer = asking.post(path, json={**ASKED[path], "model": name, "stream": stream})
    assert PROVIDER_KEY not in answer.text
    return answer


def _recorded(gate: GatewayProcess, answer: httpx2.Response) -> Record:
    return gate.record(answer.headers["x-sekisho-request-id"])


REFUSED = [
    ("error-400-in-200", False, 400, "temperature is too high"),
    ("error-400-in-200", True, 400, "temperature is too high"),
    ("error-object-in-200", False, 400, "no such tool"),
    ("error-object-in-200", True, 400, "no such tool"),
    ("error-array-in-200", False, 400, "no such field"),
    ("error-array-in-200", True, 400, "no such field"),
    ("error-400-first", True, 400, "no such field"),
    ("error-400-after-role", True, 400, "no such field"),
    ("stream-of-400", False, 400, "no such field"),
    ("400-key", False, 400, "Incorrect API key: ***"),
    ("400-text", False, 400, "no such field"),
    ("400-text", True, 400, "no such field"),
    ("c-long", True, 400, TOO_LONG),
]


@pytest.mark.parametrize(("name", "stream", "status", "says"), REFUSED)
def test_the_clients_faults_are_told_and_not_tried_again(
    asking: httpx2.Client, gate: GatewayProcess, name: str, stream: bool, status: int, says: str
) -> None:
    answer = _ask(asking, name, stream=stream)
    assert (answer.status_code, answer.headers["x-sekisho-attempts"]) == (status, "1")
    assert says in answer.json()["error"]["message"]
    assert _recorded(gate, answer).outcome == "error"


def test_they_cool_nobody_down(asking: httpx2.Client, server: tuple[Scripted, str]) -> None:
    before = server[0].calls["error-400-first"]
    statuses = [_ask(asking, "two-400", stream=True).status_code for _ in range(24)]
    assert set(statuses) == {200, 400}
    assert server[0].calls["error-400-first"] - before == statuses.count(400) >= 4


FAILED = [
    ("error-502-in-200", 502, "failed"),
    ("error-429-in-200", 429, "Rate limit exceeded: free-models-per-day"),
    ("error-503-after-role", 503, "overloaded"),
    ("error-500-with-text", 502, "failed"),
    ("done-alone", 502, "before the answer was complete"),
    ("text-alone", 502, "before the answer was complete"),
    ("empty", 502, ""),
    ("page", 502, "not JSON"),
    ("402", 502, "has no credit left"),
    ("401", 502, "credentials"),
    ("403", 502, "credentials"),
    ("400-page", 400, "refused the request with status 400"),
    ("400-huge", 400, "refused the request with status 400"),
]


@pytest.mark.parametrize(("name", "status", "says"), FAILED)
def test_faults_of_the_upstream_have_a_status(asking: httpx2.Client, name: str, status: int, says: str) -> None:
    answer = _ask(asking, name, stream=True)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["error"]["message"]
    assert len(answer.content) < 4000


@pytest.mark.parametrize(
    "name", ["error-502-in-200", "error-429-in-200", "error-503-after-role", "402", "page", "done-alone"]
)
def test_they_go_elsewhere(asking: httpx2.Client, name: str) -> None:
    answer = _ask(asking, f"{name}-elsewhere", stream=True)
    assert (answer.status_code, answer.headers["x-sekisho-model"]) == (200, "good")
    assert answer.content.endswith(DONE)


@pytest.mark.parametrize("status", ["401", "402", "403"])
def test_a_deployment_without_credit_is_left_alone(
    asking: httpx2.Client, server: tuple[Scripted, str], status: str
) -> None:
    before = server[0].calls[status]
    for _ in range(12):
        assert _ask(asking, f"two-{status}", stream=False).status_code == 200
    assert server[0].calls[status] - before <= 2, "it cools down"


LONG = [
    (MESSAGES, "m-long", True),
    (MESSAGES, "m-long-begun", True),
    (MESSAGES, "m-long-in-200", True),
    (RESPONSES, "r-long", True),
    (RESPONSES, "r-long-created", True),
    (CHAT, "c-long", True),
    (CHAT, "c-long-in-200", True),
]


@pytest.mark.parametrize(("path", "name", "stream"), LONG)
def test_prompts_that_are_too_long_find_the_larger_window(
    asking: httpx2.Client, path: str, name: str, stream: bool
) -> None:
    answer = _ask(asking, f"{name}-larger", stream=stream, path=path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-model"] == f"large-{name[0]}"


@pytest.mark.parametrize("name", ["r-both", "r-long-created", "r-one"])
def test_codex_gets_the_event_that_it_reads(asking: httpx2.Client, gate: GatewayProcess, name: str) -> None:
    answer = _ask(asking, name, stream=True, path=RESPONSES)
    kinds = [line.partition(" ")[2] for line in answer.text.splitlines() if line.startswith("event:")]
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.failed"
    assert ("error" in kinds) is (name != "r-long-created")
    assert _recorded(gate, answer).outcome == "error"


def test_done_is_no_end_of_responses(asking: httpx2.Client) -> None:
    answer = _ask(asking, "r-done", stream=True, path=RESPONSES)
    assert "[DONE]" not in answer.text, "the SDK would stop reading there"
    assert "event: response.failed" in answer.text


@pytest.mark.parametrize(("name", "says"), [("error-400-later", "no ***"), ("error-401-later", "credentials")])
def test_later_in_the_stream(asking: httpx2.Client, gate: GatewayProcess, name: str, says: str) -> None:
    answer = _ask(asking, name, stream=True)
    assert says in answer.text
    assert "[DONE]" not in answer.text
    assert _recorded(gate, answer).outcome == "error"


@pytest.mark.parametrize("name", ["201", "202", "identity"])
def test_every_success_is_one(asking: httpx2.Client, name: str) -> None:
    answer = _ask(asking, name, stream=False)
    assert (answer.status_code, answer.json()["choices"]) == (200, ANSWER["choices"])
    assert _ask(asking, "201-stream", stream=True).content.endswith(DONE)


def test_a_whole_answer_where_a_stream_was_asked(asking: httpx2.Client, gate: GatewayProcess) -> None:
    answer = _ask(asking, "good-whole", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.endswith(DONE)
    assert '"delta":{"role":"assistant","content":"hi","tool_calls":[{"index":0,' in answer.text
    assert '"object":"chat.completion.chunk"' in answer.text
    assert "usage" not in answer.text
    record = _recorded(gate, answer)
    assert (record.input_tokens, record.output_tokens, record.usage_source) == (7, 3, "provider")


def test_a_stream_where_a_whole_answer_was_asked(asking: httpx2.Client) -> None:
    answer = _ask(asking, "good", stream=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_invalid_answer")
    assert "stream" in answer.json()["error"]["message"]


def test_an_upstream_that_knows_no_stream_options(asking: httpx2.Client, server: tuple[Scripted, str]) -> None:
    for calls in (2, 3, 4):
        answer = _ask(asking, "no-options", stream=True)
        assert answer.content.endswith(DONE)
        assert (answer.headers["x-sekisho-attempts"], server[0].calls["no-options"]) == ("1", calls)
    body = {**ASKED[CHAT], "model": "no-options", "stream": True, "stream_options": {"include_usage": True}}
    refused = asking.post(CHAT, json=body)
    assert (refused.status_code, "stream_options" in refused.text) == (422, True), "what the client asked is its own"


def test_a_prompt_may_be_empty_before_a_suffix(asking: httpx2.Client, server: tuple[Scripted, str]) -> None:
    body = {"model": "good-whole", "prompt": "", "suffix": "def f():\n"}
    assert asking.post("/v1/completions", json=body).status_code == 200
    assert (server[0].bodies[-1]["prompt"], server[0].bodies[-1]["suffix"]) == ("", body["suffix"])
    assert asking.post("/v1/completions", json={**body, "suffix": ""}).status_code == 400
    assert asking.post("/v1/completions", json={**body, "prompt": 5}).status_code == 400


def test_odd_answers(asking: httpx2.Client) -> None:
    answer = _ask(asking, "surrogate", stream=False)
    assert (answer.status_code, b'"\\ud800"' in answer.content) == (200, True)
    assert _ask(asking, "deep", stream=False).json()["error"]["code"] == "upstream_invalid_answer"


@pytest.mark.parametrize(("name", "retry"), [("429-words", None), ("429-year", "3600")])
def test_retry_after_is_bounded(asking: httpx2.Client, name: str, retry: str | None) -> None:
    answer = _ask(asking, name, stream=False)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, retry)
    assert "free-models-per-day" in answer.json()["error"]["message"]
