"""Azure's ways to a model through the gateway: which address, version, key and verdict, in every client's wire."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from gateway.config.models import Deployment
from gateway.providers.rows import PROVIDERS
from tests.fakes.azure import KEY, Azure
from tests.fakes.exchanges import exchanges
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

WAYS: dict[str, dict[str, Any]] = {
    "v1": {"path": "/openai/v1"},
    "bare": {"path": ""},
    "dated": {"path": "", "api_version": "2024-10-21"},
    "copied": {"path": "/openai/deployments/our%20gpt?api-version=2024-10-21"},
    "foundry": {"path": "/models"},
}
PATHS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/images/generations", "/audio/speech")


@pytest.fixture(scope="module")
def azure() -> Azure:
    return Azure()


@pytest.fixture(scope="module")
def gateway(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(azure) as address:
        models = [
            {
                "name": f"{mode}-{name}" + ("-wrong" if key != KEY else ""),
                "mode": mode,
                "price": {"input": 1, "output": 1},
                "deployments": [
                    {"provider": "azure", "model": "our gpt", "api_key": key, "base_url": address + way["path"]}
                    | {member: way[member] for member in way if member != "path"}
                ],
            }
            for name, way in WAYS.items()
            for mode in ("chat", "embedding", "image", "transcription", "speech", "completion")
            for key in (KEY, *(["another-key"] if mode == "chat" else []))
        ]
        claude = {"provider": "azure-anthropic", "base_url": address, "model": "claude", "api_key": KEY}
        models.append({"name": "claude", "deployments": [claude]})
        as_azure = {**claude, "provider": "azure", "base_model": "claude-opus-4-6"}
        models.append({"name": "claude-as-azure", "deployments": [as_azure]})
        with in_process(tmp_path_factory.mktemp("azure"), {"models": models}) as found:
            yield found


def _asked(azure: Azure) -> tuple[str, dict[str, str]]:
    return azure.seen[-1].path, azure.seen[-1].query


V1, DATED, COPIED = "/openai/v1", "/openai/deployments/our gpt", {"api-version": "2024-10-21"}


@pytest.mark.parametrize(
    ("way", "base", "query"),
    [
        ("v1", V1, {}),
        ("bare", V1, {}),
        ("dated", DATED, COPIED),
        ("copied", DATED, COPIED),
        ("foundry", "/models", {"api-version": "2024-05-01-preview"}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_chat_goes_each_way(
    gateway: InProcess, azure: Azure, way: str, base: str, query: dict[str, str], stream: bool
) -> None:
    asked = {"model": f"chat-{way}", "messages": [{"role": "user", "content": "hi"}], "stream": stream, "seed": 1}
    answer = gateway.post("/v1/chat/completions", json=asked)
    assert answer.status_code == 200, answer.text
    assert _asked(azure) == (f"{base}/chat/completions", query)
    assert azure.seen[-1].headers["api-key"] == KEY
    assert "authorization" not in azure.seen[-1].headers
    assert azure.seen[-1].fields["model"] == "our gpt"
    record = gateway.record(answer)
    assert (record.provider, record.input_tokens, record.output_tokens) == ("azure", 8, 2)


@pytest.mark.parametrize(
    ("path", "mode", "asked"),
    [
        ("/embeddings", "embedding", {"input": "hi"}),
        ("/images/generations", "image", {"prompt": "a cat"}),
        ("/audio/speech", "speech", {"input": "hi", "voice": "alloy"}),
        ("/completions", "completion", {"prompt": "hi"}),
        ("/responses", "chat", {"input": "hi"}),
    ],
)
@pytest.mark.parametrize("way", ["v1", "dated"])
def test_other_endpoints(
    gateway: InProcess, azure: Azure, way: str, path: str, mode: str, asked: dict[str, Any]
) -> None:
    answer = gateway.post(f"/v1{path}", json={"model": f"{mode}-{way}", **asked})
    assert answer.status_code == 200, answer.text
    preview = path.startswith(("/images", "/audio"))
    dated = ("/openai" if path == "/responses" else DATED, COPIED)
    base, query = dated if way == "dated" else (V1, {"api-version": "preview"} if preview else {})
    assert _asked(azure) == (base + path, query)


def test_a_version_that_has_no_responses_is_not_believed_to_have_them() -> None:
    row = PROVIDERS["azure"]
    found = Deployment(provider="azure", base_url="https://r.openai.azure.com/", model="m", api_version="2024-10-21")
    assert row.url(row, found, "/responses/input_tokens", False) == (
        "https://r.openai.azure.com/openai/responses/input_tokens?api-version=2024-10-21"
    )


@pytest.mark.parametrize("way", ["v1", "dated"])
def test_a_recording_goes_up_as_a_form(gateway: InProcess, azure: Azure, way: str) -> None:
    texts, files = {"model": f"transcription-{way}"}, {"file": ("a.wav", b"RIFF", "audio/wav")}
    answer = gateway.post("/v1/audio/transcriptions", data=texts, files=files)
    assert (answer.status_code, answer.json()) == (200, {"text": "hello"}), answer.text


@pytest.mark.parametrize("model", ["claude", "claude-as-azure"])
def test_claude_is_asked_with_both_keys(gateway: InProcess, azure: Azure, model: str) -> None:
    asked = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    answer = gateway.post("/v1/messages", json=asked)
    assert answer.json()["content"][0]["text"] == "Bonjour", answer.text
    headers = azure.seen[-1].headers
    assert (headers["x-api-key"], headers["api-key"]) == (KEY, KEY)


def test_another_key_is_the_administrators_matter(gateway: InProcess) -> None:
    asked = {"model": "chat-v1-wrong", "messages": [{"role": "user", "content": "hi"}]}
    answer = gateway.post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_misconfigured")


# What the content filter says.

CLIENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {}),
    "messages": ("/v1/messages", {"max_tokens": 9}),
    "responses": ("/v1/responses", {}),
    "gemini": ("/v1beta/models/chat-foundry:generateContent", {}),
}


def _said(client: str, text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    path, fields = CLIENTS[client]
    if client == "gemini":
        return path, {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}
    turns = [{"role": "user", "content": text}]
    return path, {"model": "chat-foundry", "input" if client == "responses" else "messages": turns, **fields, **more}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_refused_prompt_is_told_as_filtered(gateway: InProcess, client: str) -> None:
    path, fields = _said(client, "violence")
    answer = gateway.post(path, json=fields)
    assert answer.status_code == 400, answer.text
    assert "content_filter" in answer.text or "content management policy" in answer.text
    record = gateway.record(answer)
    assert (record.outcome, record.error_code) == ("error", "content_filter")


def test_a_chat_client_sees_azures_own_verdict(gateway: InProcess) -> None:
    path, fields = _said("chat", "violence")
    error = gateway.post(path, json=fields).json()["error"]
    assert (error["code"], error["innererror"]["code"]) == ("content_filter", "ResponsibleAIPolicyViolation")


ENDS = {
    "chat": '"finish_reason":"content_filter"',
    "messages": '"stop_reason":"refusal"',
    "responses": '"reason":"content_filter"',
    "gemini": '"finishReason":"SAFETY"',
}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_was_taken_away_ends_as_filtered(gateway: InProcess, client: str) -> None:
    path, fields = _said(client, "without words")
    answer = gateway.post(path, json=fields)
    assert (answer.status_code, ENDS[client] in answer.text.replace('": ', '":')) == (200, True), answer.text


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("cut_off", [False, True])
def test_verdicts_in_a_stream_break_nothing(gateway: InProcess, client: str, cut_off: bool) -> None:
    path, fields = _said(client, "cut off" if cut_off else "hi", **({} if client == "gemini" else {"stream": True}))
    path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
    answer = gateway.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    assert '"error"' not in answer.text.replace('"error":null', "").replace('"error": null', "")
    for word in ("Hel", "lo"):
        assert f'"{word}"' in answer.text
    assert (ENDS[client] in answer.text.replace('": ', '":')) is cut_off, answer.text
    record = gateway.record(answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 8, 2)


# Keys of the configuration.


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"base_url": "https://r.openai.azure.com/openai/deployments/x/chat/completions"}, "base_url"),
        ({"base_url": "https://r.openai.azure.com?api-version=2024-10-21", "api_version": "2024-10-21"}, "api_version"),
        ({"api_key": "k", "entra": True}, "entra"),
        ({"entra": "https://cognitiveservices.azure.us/.default"}, None),
        ({}, None),
    ],
)
def test_wrong_keys_are_named(fields: dict[str, Any], key: str | None) -> None:
    found = Deployment(**{"provider": "azure", "model": "m", "base_url": "https://r.openai.azure.com", **fields})
    assert [name for name, _ in PROVIDERS["azure"].problems(found)] == ([key] if key else [])


@pytest.mark.parametrize(
    "fields", [{"api_version": "today"}, {"entra": "everything"}, {"api_version": "2024-10-21&x=1"}]
)
def test_values_that_cannot_be_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        Deployment(provider="azure", model="m", base_url="https://r.openai.azure.com", **fields)


# The vendor's own SDK, so that a fake that lies is caught; then what was recorded.


def test_the_sdk_finds_the_fake_to_be_azure() -> None:
    azure = Azure()
    with serving(azure) as address, openai.AzureOpenAI(
        azure_endpoint=address, api_key=KEY, api_version="2024-10-21", azure_deployment="our gpt", max_retries=0
    ) as client:  # fmt: skip
        chat = client.chat.completions
        whole = chat.create(model="our gpt", messages=[{"role": "user", "content": "hi"}])
        assert (whole.choices[0].message.content, whole.usage and whole.usage.total_tokens) == ("Hello", 10)
        stream = chat.create(model="our gpt", messages=[{"role": "user", "content": "hi"}], stream=True)
        assert (
            "".join(each.choices[0].delta.content or "" for each in stream if each.choices and each.choices[0].delta)
            == "Hello"
        )
        assert azure.seen[-1].path == f"{DATED}/chat/completions"
        embedded = client.embeddings.create(model="our gpt", input="hi", encoding_format="float")
        assert embedded.data[0].embedding == [0.5, 0.25]
        with pytest.raises(openai.BadRequestError) as refused:
            chat.create(model="our gpt", messages=[{"role": "user", "content": "violence"}])
        assert refused.value.code == "content_filter"
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="another").embeddings.create(model="our gpt", input="hi")
        with pytest.raises(openai.NotFoundError):
            client.with_options(api_version="1999-01-01").embeddings.create(model="our gpt", input="hi")


def test_anthropics_sdk_finds_the_fake_to_be_foundry() -> None:
    azure = Azure()
    turns: Any = [{"role": "user", "content": "hi"}]
    with serving(azure) as address, anthropic.AnthropicFoundry(
        api_key=KEY, base_url=f"{address}/anthropic", max_retries=0
    ) as client:  # fmt: skip
        told = client.messages.create(model="claude", max_tokens=9, messages=turns)
        assert told.content[0].type == "text"
        with pytest.raises(anthropic.AuthenticationError):
            client.with_options(api_key="another").messages.create(model="claude", max_tokens=9, messages=turns)


RECORDED = [
    pytest.param(path, each, id=each.name.replace("/", "-"))
    for path in ("/chat/completions", "/responses")
    for each in exchanges(path)
    if "azure.com/openai/" in each.address
]


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize(("path", "exchange"), RECORDED)
def test_recorded_exchanges_pass(path: str, exchange: Any, replaying: tuple[Fixed, InProcess]) -> None:
    fixed, gateway = replaying
    where = httpx2.URL(exchange.address).path
    way = "v1" if "/v1/" in where else "dated"
    expected = where.replace("gpt-5-nano", "theirs")
    media_type = "text/event-stream" if exchange.is_stream else "application/json"
    fixed.answers = {expected: Answer(exchange.answer, media_type)}
    asked = {key: each for key, each in exchange.request.items() if key != "user"}
    answer = gateway.post(f"/v1{path}", json={**asked, "model": way})
    assert answer.status_code == 200, answer.text
    assert fixed.asked[-1][0] == expected
    assert json.loads(fixed.asked[-1][2]) == {**asked, "model": "theirs"}
    if not exchange.is_stream:
        assert answer.json() == {**exchange.json, "model": way}


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fixed, InProcess]]:
    fixed = Fixed()
    with serving(fixed) as address:
        ways: dict[str, dict[str, Any]] = {
            "v1": {"base_url": f"{address}/openai/v1"},
            "dated": {"base_url": address, "api_version": "2025-03-01-preview"},
        }
        models = [
            {"name": name, "deployments": [{"provider": "azure", "model": "theirs", "api_key": KEY, **way}]}
            for name, way in ways.items()
        ]
        with in_process(tmp_path_factory.mktemp("recorded"), {"models": models}) as gateway:
            yield fixed, gateway
