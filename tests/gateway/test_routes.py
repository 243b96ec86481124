"""Every route, streaming and not, judged by the official client with strict validation."""

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fakes.upstream import USAGE, WORDS, FakeUpstream
from tests.fixtures.gateway import GatewayProcess

TEXT = "".join(WORDS)
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "日本語で hello"}]
CLEAN = ("echo", "crumbs", "no-done", "crlf", "late")


@pytest.mark.parametrize("model", CLEAN)
def test_chat_streams_word_for_word(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert {chunk.model for chunk in chunks} == {model}
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks), "usage that nobody asked for"


def test_chat_stream_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="crumbs", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    *_, last = stream
    assert last.choices == []
    assert last.usage
    assert last.usage.prompt_tokens == USAGE["prompt_tokens"]


def test_chat_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="mine", messages=MESSAGES)
    assert answer.choices[0].message.content == TEXT
    assert answer.model == "mine"
    assert answer.usage
    assert answer.usage.total_tokens == 18


def test_completions_whole_and_streamed(client: openai.OpenAI) -> None:
    assert client.completions.create(model="fim", prompt="def f(", suffix=")").choices[0].text == TEXT
    # OpenAI itself streams `finish_reason: null` here, which the client's own strict types refuse.
    lenient = openai.OpenAI(base_url=client.base_url, api_key=client.api_key, max_retries=0)
    stream = lenient.completions.create(model="fim", prompt="def f(", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == TEXT


def test_embeddings(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="embed", input=["一", "two"], encoding_format="float")
    assert [each.index for each in answer.data] == [0, 1]
    assert answer.model == "embed"
    assert answer.usage.prompt_tokens == 5


def test_models_list_and_one(client: openai.OpenAI) -> None:
    names = {each.id for each in client.models.list()}
    assert {"mine", "embed", "echo"} <= names
    assert "past" not in names, "a model whose time is over is not offered"
    one = client.models.retrieve("mine")
    assert one.id == "mine"
    assert one.to_dict()["context_window"] == 8192


def test_unknown_members_pass_untouched(http: httpx2.Client, upstream: tuple[FakeUpstream, str]) -> None:
    messages = b'[ {"role":"user","content":"\\u3042"}]'
    sent = b'{"model":"mine", "seed": 1e400, "messages":' + messages + b', "vendor":{"b":1.50,"a":[]}}'
    answer = http.post("/v1/chat/completions", content=sent)
    assert answer.status_code == 200, answer.text
    raw = upstream[0].last.raw
    assert raw.startswith(b'{"model":"echo",'), "members keep their order"
    for untouched in (b'"seed":1e400', messages, b'"vendor":{"b":1.50,"a":[]}'):
        assert untouched in raw
    assert b'"x_vendor":{"kept":1.5}' in answer.content


def test_only_the_providers_key_goes_upstream(http: httpx2.Client, upstream: tuple[FakeUpstream, str]) -> None:
    http.post("/v1/chat/completions", json={"model": "mine", "messages": MESSAGES, "user": "alice@example.com"})
    seen = upstream[0].last
    assert seen.headers["authorization"] == "Bearer sk-provider-canary-5f2d"
    everything = repr(seen.headers) + seen.raw.decode()
    assert "alice" not in everything, "providers learn no addresses"
    assert seen.body["user"].startswith("u_"), "the person is a pseudonym"


def test_answers_say_where_they_come_from(http: httpx2.Client, gateway: GatewayProcess) -> None:
    answer = http.post("/v1/chat/completions", json={"model": "falls-back", "messages": MESSAGES})
    assert answer.headers["x-sekisho-model"] == "mine"
    assert int(answer.headers["x-sekisho-attempts"]) == 2
    record = gateway.record(answer.headers["x-sekisho-request-id"])
    assert (record.fallback_from, record.attempts, record.model) == ("falls-back", 2, "falls-back")
    assert answer.headers["x-sekisho-deployment"] == "mine/1", "the administrator's record knows the host"
    assert (record.deployment or "").startswith("mine/openai-compatible@127.0.0.1:")


def test_health(gateway: GatewayProcess) -> None:
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok", "problems": []}
