"""OpenAI's APIs on Bedrock: at the runtime's endpoint and on mantle, signed or with a key, as they were recorded."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.providers import bedrock

from gateway.config.models import Deployment
from gateway.providers.rows import PROVIDERS
from tests.fakes.bedrock import BEARER, KEY_ID, SECRET, TOKEN, Bedrock, Seen
from tests.fakes.exchanges import Exchange, exchanges
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

REGION = "us-east-1"
GPT, OSS, CLAUDE = "us.openai.gpt-5.6-sol", "openai.gpt-oss-120b", "anthropic.claude-opus-4-7"
PROJECT = "proj_abc123"
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": OSS,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good day"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": CLAUDE,
    "content": [{"type": "text", "text": "Good day"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": GPT,
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Good day", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}


def _url(model: str, path: str, provider: str = "bedrock-mantle", **fields: Any) -> str:
    row = PROVIDERS[provider]
    return row.url(row, Deployment(provider=provider, model=model, **{"region": REGION, **fields}), path, False)


MANTLE = "https://bedrock-mantle.us-east-1.api.aws"


@pytest.mark.parametrize(
    ("model", "path", "fields", "expected"),
    [
        (GPT, "/responses", {}, f"{MANTLE}/openai/v1/responses"),
        (OSS, "/chat/completions", {}, f"{MANTLE}/v1/chat/completions"),
        ("qwen.qwen3-coder-480b", "/chat/completions", {}, f"{MANTLE}/v1/chat/completions"),
        (CLAUDE, "/messages", {}, f"{MANTLE}/anthropic/v1/messages"),
        (CLAUDE, "/messages/count_tokens", {}, f"{MANTLE}/anthropic/v1/messages/count_tokens"),
        ("our-alias", "/responses", {"base_model": "gpt-5.6"}, f"{MANTLE}/openai/v1/responses"),
        (OSS, "/responses", {"base_url": f"{MANTLE}/openai/v1/"}, f"{MANTLE}/openai/v1/responses"),
        (OSS, "/responses", {"base_url": "https://vpce-1.example"}, "https://vpce-1.example/v1/responses"),
        (GPT, "/responses", {"base_url": MANTLE, "provider": "bedrock"}, f"{MANTLE}/openai/v1/responses"),
        (OSS, "/responses", {"base_url": MANTLE, "provider": "bedrock"}, f"{MANTLE}/v1/responses"),
        (OSS, "/responses", {"provider": "bedrock"}, "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1/responses"),
    ],
)  # fmt: skip
def test_addresses(model: str, path: str, fields: dict[str, Any], expected: str) -> None:
    assert _url(model, path, fields.pop("provider", "bedrock-mantle"), **fields) == expected


def test_wrong_keys_are_named() -> None:
    found = Deployment(provider="bedrock", model=CLAUDE, region=REGION, base_url=MANTLE)
    assert [key for key, _ in PROVIDERS["bedrock"].problems(found)] == ["base_url"]
    assert not list(
        PROVIDERS["bedrock-mantle"].problems(Deployment(provider="bedrock-mantle", model=CLAUDE, region=REGION))
    )
    assert [key for key, _ in PROVIDERS["bedrock-mantle"].problems(Deployment(provider="bedrock-mantle", model=OSS))]


def _json(content: object) -> Any:
    return lambda seen: (200, json.dumps(content).encode(), "application/json")


@pytest.fixture(scope="module")
def clouds() -> tuple[Bedrock, Bedrock]:
    """The runtime's endpoint, and mantle."""

    def nothing(seen: Seen) -> tuple[int, bytes]:
        return 400, b"not here"

    runtime, mantle = Bedrock(nothing, REGION), Bedrock(nothing, REGION, service="bedrock-mantle")
    runtime.others = {"/openai/v1/responses": _json(RESPONSE), "/openai/v1/chat/completions": _json(CHAT)}
    mantle.others = {
        "/openai/v1/responses": _json(RESPONSE),
        "/v1/chat/completions": _json(CHAT),
        "/anthropic/v1/messages": _json(MESSAGE),
    }
    return runtime, mantle


@pytest.fixture(scope="module")
def gateway(clouds: tuple[Bedrock, Bedrock], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with pytest.MonkeyPatch.context() as patch, serving(clouds[0]) as runtime, serving(clouds[1]) as mantle:
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
            patch.setenv(f"AWS_{name}", value)
        first = {"provider": "bedrock", "region": REGION, "base_url": runtime}
        second = {"provider": "bedrock-mantle", "region": REGION, "base_url": mantle, "project": PROJECT}
        models = {
            "gpt": {**first, "model": GPT},
            "oss": {**first, "model": OSS, "dialects": ["chat"]},
            "mantle-gpt": {**second, "model": GPT},
            "mantle-oss": {**second, "model": OSS, "dialects": ["chat"]},
            "mantle-claude": {**second, "model": CLAUDE},
            "mantle-key": {**second, "model": GPT, "api_key": BEARER},
        }
        rows = [{"name": name, "deployments": [each]} for name, each in models.items()]
        with in_process(tmp_path_factory.mktemp("openai"), {"models": rows}) as found:
            yield found


PLACES = {
    "gpt": "/openai/v1/responses",
    "oss": "/openai/v1/chat/completions",
    "mantle-gpt": "/openai/v1/responses",
    "mantle-oss": "/v1/chat/completions",
    "mantle-claude": "/anthropic/v1/messages",
    "mantle-key": "/openai/v1/responses",
}


@pytest.mark.parametrize("model", PLACES)
@pytest.mark.parametrize("client", ["chat", "messages", "responses"])
def test_each_is_asked_signed(gateway: InProcess, clouds: tuple[Bedrock, Bedrock], model: str, client: str) -> None:
    turns = [{"role": "user", "content": "Hello"}]
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("/v1/chat/completions", {"messages": turns}),
        "messages": ("/v1/messages", {"messages": turns, "max_tokens": 9}),
        "responses": ("/v1/responses", {"input": turns}),
    }
    path, asked = ways[client]
    answer = gateway.post(path, json={"model": model, **asked})
    assert answer.status_code == 200, (answer.text, clouds[1].refused, clouds[0].refused)
    assert "Good day" in answer.text
    seen = clouds[model.startswith("mantle")].seen[-1]
    assert seen.path == PLACES[model]
    assert seen.headers.get("openai-project") == (PROJECT if model.startswith("mantle") else None)
    assert seen.headers["authorization"].startswith("Bearer " if model == "mantle-key" else "AWS4-HMAC-SHA256 ")
    record = gateway.record(answer)
    assert (record.input_tokens, record.output_tokens) == (3, 2)


# The vendors' own SDKs, so that a fake that lies is caught.


@pytest.mark.parametrize(("endpoint", "service"), [("mantle", "bedrock-mantle"), ("runtime", "bedrock")])
@pytest.mark.parametrize("signed", [True, False])
def test_openais_sdk_finds_the_fake_to_be_bedrock(endpoint: Any, service: str, signed: bool) -> None:
    fake = Bedrock(lambda seen: (400, b"not here"), REGION, service=service)
    fake.others = {"/openai/v1/responses": _json(RESPONSE), "/openai/v1/chat/completions": _json(CHAT)}
    keys = {"access_key_id": KEY_ID, "secret_access_key": SECRET, "session_token": TOKEN} if signed else {}
    more: dict[str, Any] = keys or {"api_key": BEARER}
    with serving(fake) as address:
        provider = bedrock(endpoint=endpoint, region=REGION, base_url=f"{address}/openai/v1", **more)
        with openai.OpenAI(provider=provider, max_retries=0) as client:
            told = client.responses.create(model=GPT, input="Hello")
            assert told.output_text == "Good day"
            turns: Any = [{"role": "user", "content": "Hello"}]
            chat = client.chat.completions.create(model=OSS, messages=turns)
            assert chat.choices[0].message.content == "Good day"
    assert not fake.refused


def test_anthropics_sdk_finds_the_fake_to_be_mantle() -> None:
    fake = Bedrock(lambda seen: (400, b"not here"), REGION, service="bedrock-mantle")
    fake.others = {"/anthropic/v1/messages": _json(MESSAGE)}
    keys: dict[str, Any] = {"aws_access_key": KEY_ID, "aws_secret_key": SECRET, "aws_session_token": TOKEN}
    with serving(fake) as address, anthropic.AnthropicBedrockMantle(
        aws_region=REGION, base_url=f"{address}/anthropic", max_retries=0, **keys
    ) as client:  # fmt: skip
        turns: Any = [{"role": "user", "content": "Hello"}]
        told = client.messages.create(model=CLAUDE, max_tokens=9, messages=turns)
    assert told.content[0].type == "text"
    assert not fake.refused


RECORDED = [
    pytest.param(path, each, id=each.name.replace("/", "-"))
    for path in ("/chat/completions", "/responses")
    for each in exchanges(path)
    if "bedrock-mantle" in each.address
]


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fixed, InProcess]]:
    fixed = Fixed()
    with serving(fixed) as address:
        place = {"provider": "bedrock-mantle", "region": REGION, "base_url": address, "api_key": BEARER}
        models = [{"name": name, "deployments": [{**place, "model": name}]} for name in (GPT, OSS)]
        with in_process(tmp_path_factory.mktemp("recorded"), {"models": models}) as gateway:
            yield fixed, gateway


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize(("path", "exchange"), RECORDED)
def test_recorded_exchanges_pass(path: str, exchange: Exchange, replaying: tuple[Fixed, InProcess]) -> None:
    fixed, gateway = replaying
    where = exchange.address.partition("api.aws")[2]
    name = OSS if where.startswith("/v1") else GPT
    fixed.answers = {where: Answer(exchange.answer, "text/event-stream" if exchange.is_stream else "application/json")}
    asked = {key: each for key, each in exchange.request.items() if key != "user"}
    answer = gateway.post(f"/v1{path}", json={**asked, "model": name})
    assert answer.status_code == 200, answer.text
    assert fixed.asked[-1][0] == where
    assert json.loads(fixed.asked[-1][2]) == {**asked, "model": name}
    if not exchange.is_stream:
        assert answer.json() == {**exchange.json, "model": name}
