"""What Claude Code, Codex and others ask for beside answers: is somebody there, which models, how many tokens."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anthropic.types
import httpx2
import openai.types
import pytest
from pydantic import TypeAdapter

from tests.fakes.replaying import Behaviour, Body, Replaying, event, says, streamed
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, InProcess, deployment, in_process, model

ASKED = [{"role": "user", "content": "How are you? 元気ですか。"}]
TOOLS = [{"name": "read", "description": "Reads a file", "input_schema": {"type": "object", "properties": {}}}]
COUNT = "/v1/messages/count_tokens"


async def _silent(body: Body) -> AsyncIterator[bytes]:
    await asyncio.sleep(0.25)
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "x", "content": [], "usage": usage}
    yield event({"type": "message_start", "message": message})
    yield event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}})
    yield event({"type": "message_stop"})


BEHAVIOURS: dict[str, Behaviour] = {
    "counts": says(200, {"input_tokens": 42}),
    "counts-responses": says(200, {"object": "response.input_tokens", "input_tokens": 43}),
    "strange": says(200, {"input_tokens": "many"}),
    "missing": says(404, {"detail": "Not Found"}),
    "broken": says(500, {"error": {"message": "no"}}),
    "refuses": says(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: wrong"}}),
    "silent": streamed(_silent),
}
PATHS = ("/v1/messages", "/v1/messages/count_tokens", "/v1/responses/input_tokens", "/v1/chat/completions")


class Setting(NamedTuple):
    gateway: InProcess
    fake: Replaying


def _one(name: str, address: str, upstream: str, dialect: str, **more: Any) -> dict[str, Any]:
    return model(name, deployment(address, upstream, dialects=[dialect], **more))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    fake = Replaying(PATHS, BEHAVIOURS)
    with serving(fake) as address:
        models = [_one(f"m-{name}", address, name, "messages") for name in BEHAVIOURS]
        models += [
            _one("r-counts", address, "counts-responses", "responses"),
            _one("r-missing", address, "missing", "responses"),
            _one("chat", address, "counts", "chat"),
            _one("vllm", address, "silent", "messages", provider="vllm"),
            _one("foundry", address, "silent", "messages", provider="azure-anthropic"),
            _one("told", address, "silent", "messages", provider="vllm", betas=["new-2027-01-01"]),
            _one("vendor", address, "silent", "messages", provider="anthropic"),
        ]
        models[0] |= {"description": "Counts", "context_window": 64000}
        models.append(model("embeds", deployment(address, "x"), mode="embedding"))
        config = {"models": models, "server": {"keepalive_seconds": 0.05}}
        with in_process(tmp_path_factory.mktemp("clients"), config) as gateway:
            yield Setting(gateway, fake)


def _count(setting: Setting, name: str, **more: Any) -> httpx2.Response:
    return setting.gateway.post(COUNT, json={"model": name, "messages": ASKED, "tools": TOOLS, **more})


@pytest.mark.parametrize("path", ["/", "/api/hello"])
def test_somebody_is_there_for_whoever_asks(setting: Setting, path: str) -> None:
    answer = httpx2.head(f"{setting.gateway.url}{path}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert httpx2.get(f"{setting.gateway.url}{path}").status_code == 404


@pytest.mark.parametrize(("name", "count"), [("m-counts", 42), ("r-counts", 43)])
def test_upstreams_that_count_are_asked(setting: Setting, name: str, count: int) -> None:
    answer = _count(setting, name)
    assert answer.json() == {"input_tokens": count}
    assert "x-sekisho-estimated" not in answer.headers
    record = setting.gateway.record(answer)
    assert (record.task, record.outcome, record.attempts, record.cost_nano_usd) == ("count_tokens", "ok", 1, None)


def test_responses_counts_only_what_is_a_prompt(setting: Setting) -> None:
    _count(setting, "r-counts", system="Be brief.", thinking={"type": "enabled", "budget_tokens": 2000})
    sent = setting.fake.last.body
    assert setting.fake.last.path == "/v1/responses/input_tokens"
    assert sent["tools"][0]["name"] == "read"
    assert not sent.keys() & {"max_output_tokens", "store", "stream", "include"}


@pytest.mark.parametrize("name", ["chat", "m-missing", "m-broken", "m-strange", "r-missing"])
def test_other_counts_are_estimated_and_say_so(setting: Setting, name: str) -> None:
    answer = _count(setting, name)
    anthropic.types.MessageTokensCount.model_validate_json(answer.content, strict=True)
    assert answer.headers["x-sekisho-estimated"] == "input_tokens"
    assert 30 <= answer.json()["input_tokens"] <= 60
    assert setting.gateway.record(answer).usage_source == "none"
    longer = _count(setting, name, system="word " * 4000).json()["input_tokens"]
    assert 4000 <= longer - answer.json()["input_tokens"] <= 6000


def test_an_upstream_without_counting_is_asked_once(setting: Setting) -> None:
    _count(setting, "m-missing")
    before = len(setting.fake.seen)
    _count(setting, "m-missing")
    assert len(setting.fake.seen) == before


def test_a_prompt_that_cannot_be_counted_says_why(setting: Setting) -> None:
    answer = _count(setting, "m-refuses")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "messages: wrong")


def test_responses_clients_get_an_estimate_too(setting: Setting) -> None:
    body = {"model": "chat", "input": "How are you?"}
    answer = setting.gateway.post("/v1/responses/input_tokens", json=body)
    assert answer.json()["object"] == "response.input_tokens"
    assert answer.json()["input_tokens"] > 0
    assert answer.headers["x-sekisho-estimated"] == "input_tokens"
    counted = setting.gateway.post("/v1/responses/input_tokens", json={**body, "model": "m-counts"})
    assert counted.json() == {"object": "response.input_tokens", "input_tokens": 42}


@pytest.mark.parametrize("body", [{"model": "embeds"}, {"model": "nobody"}, {"model": "chat", "messages": 5}, {}])
def test_counting_refuses_what_no_model_takes(setting: Setting, body: Body) -> None:
    answer = setting.gateway.post(COUNT, json={"messages": ASKED, **body})
    assert answer.status_code in (400, 404)
    assert answer.json()["type"] == "error"


def test_counting_needs_no_request_of_the_limit(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path, {"models": [model("chat", deployment("http://127.0.0.1:9", "x"))]}).start()
    key = process.key("few", "--requests-per-minute", "1")
    with httpx2.Client(base_url=process.url, headers={"authorization": f"Bearer {key}"}, trust_env=False) as client:
        codes = [client.post(COUNT, json={"model": "chat", "messages": ASKED}).status_code for _ in range(34)]
    assert set(codes) == {200}
    assert process.stop() == 0


def test_openai_lists_models_with_names_for_people(setting: Setting) -> None:
    listed = _get(setting, "/v1/models").json()
    assert listed["object"] == "list"
    for each in listed["data"]:
        openai.types.Model.model_validate(each)
        assert each["display_name"] == each["id"]


def test_anthropic_lists_the_same_models(setting: Setting) -> None:
    theirs = _get(setting, "/v1/models?limit=1000", {"anthropic-version": "2023-06-01"}).json()
    ours = _get(setting, "/v1/models").json()
    assert [each["id"] for each in theirs["data"]] == [each["id"] for each in ours["data"]]
    for each in theirs["data"]:
        TypeAdapter(anthropic.types.ModelInfo).validate_json(json.dumps(each))


def test_codex_gets_its_catalogue(setting: Setting) -> None:
    for query in ("?client_version=0.171.0", "?x=1&client_version=", "?client_version"):
        found = _get(setting, f"/v1/models{query}", {"anthropic-version": "2023-06-01"}).json()
        assert found.keys() == {"models"}
    names = [each["slug"] for each in found["models"]]
    assert "embeds" not in names
    first = found["models"][0]
    assert (first["slug"], first["description"], first["context_window"]) == ("m-counts", "Counts", 64000)
    assert first["apply_patch_tool_type"] == "freeform"
    assert first["base_instructions"]
    assert first["default_reasoning_level"] in [each["effort"] for each in first["supported_reasoning_levels"]]
    assert [each["priority"] for each in found["models"]] == list(range(1, len(names) + 1))


def test_a_query_that_is_like_codexs_changes_nothing(setting: Setting) -> None:
    assert _get(setting, "/v1/models?my_client_version=1").json()["object"] == "list"


BETAS = "interleaved-thinking-2025-05-14, new-2027-01-01,,claude-code-20250219"


@pytest.mark.parametrize(
    ("name", "sent", "dropped"),
    [
        ("m-silent", BETAS, None),
        ("vendor", BETAS, None),
        ("vllm", None, "interleaved-thinking-2025-05-14 new-2027-01-01 claude-code-20250219"),
        ("foundry", "interleaved-thinking-2025-05-14,claude-code-20250219", "new-2027-01-01"),
        ("told", "new-2027-01-01", "interleaved-thinking-2025-05-14 claude-code-20250219"),
    ],
)
def test_an_upstream_gets_the_betas_that_it_knows(
    setting: Setting, name: str, sent: str | None, dropped: str | None
) -> None:
    answer = _stream(setting, name, {"anthropic-beta": BETAS})
    assert answer.status_code == 200
    assert setting.fake.last.headers.get("anthropic-beta") == sent
    listed = answer.headers.get("x-sekisho-dropped")
    assert listed == (", ".join(f"anthropic-beta.{each}" for each in dropped.split()) if dropped else None)


def test_silence_is_filled_with_pings(setting: Setting) -> None:
    answer = _stream(setting, "m-silent", {})
    assert answer.text.startswith('event: ping\ndata: {"type": "ping"}\n\n')
    assert "message_stop" in answer.text[-60:]


def _stream(setting: Setting, name: str, headers: dict[str, str]) -> httpx2.Response:
    body = {"model": name, "max_tokens": 9, "messages": ASKED, "stream": True}
    return setting.gateway.post("/v1/messages", json=body, headers=headers)


def _get(setting: Setting, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    sent = {"authorization": f"Bearer {setting.gateway.key}", **(headers or {})}
    return httpx2.get(f"{setting.gateway.url}{path}", headers=sent)
