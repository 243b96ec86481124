"""Money that must not escape: odd counts of upstreams, answers that nobody waits for, requests without a limit."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from gateway.ledger.record import Record
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

TEXT = "word " * 400
"""About 500 tokens."""
QUESTION = {"messages": [{"role": "user", "content": "tell me " * 200}]}
"""About 400 tokens."""
NANO = 10**9

COUNTS: dict[str, Any] = {
    "missing": None,
    "null": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "empty": {},
    "negative": {"prompt_tokens": -5, "completion_tokens": -7},
    "texts": {"prompt_tokens": "12", "completion_tokens": "many"},
    "fractions": {"prompt_tokens": 12.5, "completion_tokens": 0.3},
    "absurd": {"prompt_tokens": 10**18, "completion_tokens": 10**18},
    "beyond-64-bits": {"prompt_tokens": 10**30, "completion_tokens": 10**30},
    "infinite": {"prompt_tokens": 1e300, "completion_tokens": 1e300},
    "true": {"prompt_tokens": True, "completion_tokens": True},
    "a-list": [1, 2],
    "a-text": "ten",
    "zeros": {"prompt_tokens": 0, "completion_tokens": 0},
}


class Upstream:
    """Answers with the usage that its model is named after; `slow` takes its time, `bursts` pauses before its usage."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads((await receive())["body"])
        self.calls += 1
        name, stream = body["model"], body.get("stream", False)
        if name == "slow":
            await asyncio.sleep(3)
        if name == "breaks":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            raise ConnectionAbortedError
        usage = COUNTS.get(name, {"prompt_tokens": 10, "completion_tokens": 5})
        media = b"text/event-stream" if stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media)]})
        if scope["path"].endswith("/embeddings"):
            answer = {
                "object": "list",
                "model": name,
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
            }
            await _end(send, json.dumps(answer | ({"usage": usage} if usage is not None else {})))
        elif stream:
            await self._stream(name, usage, send)
        else:
            message = {"role": "assistant", "content": TEXT}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": name, "choices": [choice]}
            await _end(send, json.dumps(answer | ({"usage": usage} if usage is not None else {})))

    async def _stream(self, name: str, usage: Any, send: Send) -> None:
        for part in (TEXT[:1000], TEXT[1000:]):
            await _event(send, {"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]})
        if name == "bursts":
            await asyncio.sleep(3)
        await _event(send, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if usage is not None:
            await _event(send, {"choices": [], "usage": usage})
        await _end(send, "data: [DONE]\n\n")


async def _event(send: Send, event: dict[str, Any]) -> None:
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **event}
    body = f"data: {json.dumps(whole)}\n\n".encode()
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _end(send: Send, body: str) -> None:
    await send({"type": "http.response.body", "body": body.encode()})


@pytest.fixture(scope="module")
def fake() -> Iterator[tuple[Upstream, str]]:
    upstream = Upstream()
    with serving(upstream) as address:
        yield upstream, address


@pytest.fixture(scope="module")
def paid(fake: tuple[Upstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    price = {"input": 1.0, "output": 2.0}
    limits = {"price": price, "context_window": 100_000, "max_output_tokens": 10_000}
    names = (*COUNTS, "good", "slow", "bursts", "breaks")
    models = [model(name, deployment(fake[1], name), **limits) for name in names]
    models += [model("unknown", deployment(fake[1], "good"), price=price)]
    models += [model(f"embed-{name}", deployment(fake[1], name), mode="embedding", **limits) for name in COUNTS]
    gateway = GatewayProcess(tmp_path_factory.mktemp("paid"), {"models": models}).start()
    yield gateway
    assert gateway.stop() == 0, gateway.log


def ask(gateway: GatewayProcess, key: str, name: str, path: str = "chat/completions", **more: Any) -> httpx2.Response:
    body = {"model": name, **(QUESTION if path != "embeddings" else {"input": "word " * 400}), **more}
    url, headers = f"{gateway.url}/v1/{path}", {"authorization": f"Bearer {key}"}
    return httpx2.post(url, json=body, headers=headers, timeout=30, trust_env=False)


def record(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    return gateway.record(answer.headers["x-sekisho-request-id"])


@pytest.fixture(scope="module")
def key(paid: GatewayProcess) -> str:
    return paid.key("somebody")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", COUNTS)
def test_a_count_that_cannot_be_is_estimated_and_marked(
    paid: GatewayProcess, key: str, name: str, stream: bool
) -> None:
    answer = ask(paid, key, name, stream=stream)
    assert answer.status_code == 200
    found = record(paid, answer)
    assert found.usage_source == "estimated"
    assert found.input_tokens is not None
    assert 200 < found.input_tokens < 1000
    assert found.output_tokens is not None
    assert 300 < found.output_tokens < 1000
    assert found.cost_nano_usd == found.input_tokens * 1000 + found.output_tokens * 2000


@pytest.mark.parametrize("name", COUNTS)
def test_embeddings_are_estimated_too(paid: GatewayProcess, key: str, name: str) -> None:
    answer = ask(paid, key, f"embed-{name}", "embeddings")
    found = record(paid, answer)
    assert found.usage_source == "estimated"
    assert found.input_tokens is not None
    assert 300 < found.input_tokens < 1000
    assert found.cost_nano_usd == found.input_tokens * 1000


def test_a_good_count_is_the_providers(paid: GatewayProcess, key: str) -> None:
    for stream in (False, True):
        found = record(paid, ask(paid, key, "good", stream=stream))
        assert (found.input_tokens, found.output_tokens, found.usage_source) == (10, 5, "provider")


def test_a_budget_ends_answers_that_nobody_counts(paid: GatewayProcess) -> None:
    capped = paid.key("capped", "--budget-usd", "0.03", "--budget-per", "month")
    statuses = [ask(paid, capped, "missing", max_tokens=1000).status_code for _ in range(40)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


@pytest.mark.parametrize("more", [{}, {"n": 1}, {"max_tokens": 1_000_000}, {"max_tokens": None}], ids=repr)
def test_the_model_s_limit_is_reserved_where_nothing_smaller_is_asked(
    paid: GatewayProcess, more: dict[str, Any]
) -> None:
    """10,000 tokens of output are 0.02 USD: a budget below that cannot be promised."""
    small = paid.key(f"small {more}", "--budget-usd", "0.019", "--budget-per", "month")
    refused = ask(paid, small, "good", **more)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "insufficient_quota"
    assert ask(paid, small, "good", max_tokens=1000).status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 1000, "n": 20},
        {"max_tokens": "1000", "n": 20},
        {"max_tokens": 10, "max_completion_tokens": 9900},
        {"max_completion_tokens": 10, "max_tokens": 9900},
        {"max_tokens": 9.9e3},
        {"max_tokens": 1e300},
        {"max_tokens": 0},
        {"max_tokens": -1},
        {"max_tokens": " -1"},
        {"max_tokens": 1, "n_predict": 9999},
    ],
    ids=repr,
)
def test_the_most_that_a_request_may_cost_is_reserved(paid: GatewayProcess, more: dict[str, Any]) -> None:
    small = paid.key(f"most {more}", "--budget-usd", "0.019", "--budget-per", "month")
    assert ask(paid, small, "good", **more).status_code == 429


def test_a_model_of_which_nothing_is_known_is_not_free(paid: GatewayProcess) -> None:
    small = paid.key("unknown", "--budget-usd", "0.05", "--budget-per", "month")
    assert ask(paid, small, "unknown").status_code == 429
    assert ask(paid, small, "unknown", max_tokens=100).status_code == 200


def test_many_at_once_never_pass_a_budget(paid: GatewayProcess) -> None:
    """Without a limit of their own: what runs at the same time has to fit as well."""
    from concurrent.futures import ThreadPoolExecutor

    shared = paid.key("at once", "--budget-usd", "0.1", "--budget-per", "month")
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: ask(paid, shared, "slow").status_code, range(20)))
    assert statuses.count(200) <= 5, "five times 0.02 USD"
    assert {200, 429} == set(statuses)


def test_leaving_a_whole_answer_early_is_not_free(paid: GatewayProcess, key: str) -> None:
    since = time.time()
    body, headers = {"model": "slow", **QUESTION}, {"authorization": f"Bearer {key}"}
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(f"{paid.url}/v1/chat/completions", json=body, headers=headers, timeout=1.5, trust_env=False)
    found = _left(paid, "slow", since)
    assert (found.outcome, found.usage_source) == ("cancelled", "estimated")
    assert found.input_tokens is not None
    assert found.input_tokens > 200
    assert found.output_tokens is not None
    assert 10 < found.output_tokens < 1000
    assert found.cost_nano_usd


def test_leaving_a_stream_early_counts_its_text(paid: GatewayProcess, key: str) -> None:
    since = time.time()
    body = {"model": "bursts", "stream": True, **QUESTION}
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.stream(
        "POST", f"{paid.url}/v1/chat/completions", json=body, headers=headers, timeout=10, trust_env=False
    ) as answer:
        got = b""
        for part in answer.iter_raw():
            got += part
            if got.count(b"data:") >= 2:
                break
    found = _left(paid, "bursts", since)
    assert (found.outcome, found.usage_source) == ("cancelled", "estimated")
    assert found.output_tokens is not None
    assert found.output_tokens > 300, "two events, but five hundred tokens"


def _left(gateway: GatewayProcess, name: str, since: float) -> Record:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = [each for each in gateway.records() if each.model == name and each.started_at / 1e6 >= since - 1]
        cancelled = [each for each in found if each.outcome == "cancelled"]
        if cancelled:
            return cancelled[-1]
        time.sleep(0.05)
    raise TimeoutError(f"no cancelled record of {name}")


def test_counts_that_are_parts_never_exceed_their_whole(tmp_path: Path) -> None:
    from gateway.dialects.usage import from_chat, from_messages, from_responses

    chat = from_chat(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 5000},
        }
    )
    assert chat is not None
    assert (chat.cached_input, chat.cache_write, chat.reasoning) == (8, 2, 5)
    responses = from_responses(
        {"input_tokens": 1, "output_tokens": 0, "output_tokens_details": {"reasoning_tokens": 10**9}}
    )
    assert responses is not None
    assert responses.reasoning == 0
    messages = from_messages({"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 9}})
    assert messages is not None
    assert (messages.input, messages.reasoning) == (None, 3)


@pytest.mark.parametrize("before", ["", " " * 80, "\n" * 5000], ids=["none", "spaces", "lines"])
def test_each_prompt_of_a_list_is_reserved(paid: GatewayProcess, before: str) -> None:
    small = paid.key(f"prompts {len(before)}", "--budget-usd", "0.019", "--budget-per", "month")
    body = '{"model":"good","prompt":[' + before + ",".join(['"a"'] * 40) + '],"max_tokens":300}'
    headers = {"authorization": f"Bearer {small}"}
    refused = httpx2.post(f"{paid.url}/v1/completions", content=body, headers=headers, timeout=20, trust_env=False)
    assert refused.status_code == 429, refused.text


def test_leaving_a_stream_before_its_first_event_is_not_free(paid: GatewayProcess, key: str) -> None:
    since = time.time()
    body, headers = {"model": "slow", "stream": True, **QUESTION}, {"authorization": f"Bearer {key}"}
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(f"{paid.url}/v1/chat/completions", json=body, headers=headers, timeout=1, trust_env=False)
    found = _left(paid, "slow", since)
    assert (found.outcome, found.usage_source) == ("cancelled", "estimated")
    assert found.input_tokens is not None
    assert found.input_tokens > 200


def test_an_answer_that_breaks_off_is_not_free(paid: GatewayProcess, key: str) -> None:
    answer = ask(paid, key, "breaks")
    assert answer.status_code == 502
    found = record(paid, answer)
    assert (found.outcome, found.usage_source) == ("error", "estimated")
    assert found.cost_nano_usd


def test_counting_tokens_needs_no_budget(fake: tuple[Upstream, str], tmp_path: Path) -> None:
    """It costs nothing."""
    claude = deployment(fake[1], "good", provider="anthropic")
    price = {"input": 1.0, "output": 2.0}
    gateway = GatewayProcess(tmp_path, {"models": [model("m", claude, price=price, max_output_tokens=10_000)]}).start()
    small = gateway.key("small", "--budget-usd", "0.001", "--budget-per", "month")
    body, headers = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}, {"x-api-key": small}
    url = f"{gateway.url}/v1/messages"
    assert httpx2.post(url, json=body | {"max_tokens": 9999}, headers=headers, trust_env=False).status_code == 429
    assert httpx2.post(f"{url}/count_tokens", json=body, headers=headers, trust_env=False).status_code != 429
    assert gateway.stop() == 0
