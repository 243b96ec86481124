"""Ollama, SGLang and TGI behind their rows: where they are asked, in what, and what comes back.

No recording of their OpenAI-compatible APIs exists (those of Ollama are of its native one): answers are as their
documentation shows them.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # as tests/fakes/exchanges.py

from gateway.config.models import Deployment
from gateway.dialects.faults import fault_of
from gateway.profiles.families import resolve
from gateway.providers.rows import PROVIDERS
from tests.fakes.exchanges import FOLDER
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

USAGE = {"prompt_tokens": 8, "completion_tokens": 4, "total_tokens": 12}
BASE = {"id": "chatcmpl-1", "created": 1, "model": "qwen3:8b", "system_fingerprint": "fp_ollama"}


def _chat(**member: str) -> bytes:
    message = {"role": "assistant", "content": "Hello", **member}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return json.dumps({**BASE, "object": "chat.completion", "choices": choices, "usage": USAGE}).encode()


def _stream(member: str) -> bytes:
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": "", member: "Hm"},
        {"content": "Hel"},
        {"content": "lo"},
    ]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    chunks += [
        {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]},
        {"choices": [], "usage": USAGE},
    ]
    lines = [json.dumps({**BASE, "object": "chat.completion.chunk", **each}) for each in chunks]
    return b"".join(b"data: " + line.encode() + b"\n\n" for line in [*lines, "[DONE]"])


MEMBERS = {"ollama": "reasoning", "sglang": "reasoning_content", "tgi": "reasoning_content"}
VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fixed, InProcess]]:
    fixed = Fixed()
    with serving(fixed) as address:
        models = [
            {
                "name": f"{name}-{mode}",
                "mode": mode,
                "deployments": [{"provider": name, "base_url": base, "model": "qwen3:8b"}],
            }
            for name in MEMBERS
            for mode in ("chat", "embedding", "completion")
            for base in [address if name != "sglang" else f"{address}/v1"]
        ]
        with in_process(tmp_path_factory.mktemp("servers"), {"models": models}) as gateway:
            yield fixed, gateway


CLIENTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": ("/v1/chat/completions", {}, "messages"),
    "messages": ("/v1/messages", {"max_tokens": 99}, "messages"),
    "responses": ("/v1/responses", {}, "input"),
}


# SGLang speaks Messages itself.
@pytest.mark.parametrize(
    ("name", "client"),
    [(name, client) for name in MEMBERS for client in CLIENTS if (name, client) != ("sglang", "messages")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_each_talks_and_thinks(servers: tuple[Fixed, InProcess], name: str, client: str, stream: bool) -> None:
    fixed, gateway = servers
    whole = Answer(_chat(**{MEMBERS[name]: "Hm"}))
    fixed.answers = {"/v1/chat/completions": Answer(_stream(MEMBERS[name]), "text/event-stream") if stream else whole}
    path, more, member = CLIENTS[client]
    asked = {"model": f"{name}-chat", member: [{"role": "user", "content": "hi"}], "stream": stream, **more}
    answer = gateway.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    assert "Hm" in answer.text
    assert "Hel" in answer.text
    assert fixed.asked[-1][0] == "/v1/chat/completions"
    sent = json.loads(fixed.asked[-1][2])
    assert sent["model"] == "qwen3:8b"
    assert sent.get("stream_options") == ({"include_usage": True} if stream else None)
    record = gateway.record(answer)
    assert (record.provider, record.input_tokens, record.output_tokens) == (name, 8, 4)


def test_vectors_of_ollama(servers: tuple[Fixed, InProcess]) -> None:
    fixed, gateway = servers
    fixed.answers = {"/v1/embeddings": Answer(json.dumps({**VECTORS, "usage": {"prompt_tokens": 1}}).encode())}
    answer = gateway.post("/v1/embeddings", json={"model": "ollama-embedding", "input": "hi"})
    assert (answer.status_code, answer.json()["data"][0]["embedding"]) == (200, [0.5]), answer.text


def test_tgi_makes_no_vectors(servers: tuple[Fixed, InProcess]) -> None:
    answer = servers[1].post("/v1/embeddings", json={"model": "tgi-embedding", "input": "hi"})
    assert answer.status_code in (400, 404), answer.text


def test_ollama_fills_gaps_by_itself(servers: tuple[Fixed, InProcess]) -> None:
    """Its completions put the model's template around a prompt: one that is filled already would stand inside."""
    fixed, gateway = servers
    said = {"id": "1", "object": "text_completion", "choices": [{"index": 0, "text": "b", "finish_reason": "stop"}]}
    fixed.answers = {"/v1/completions": Answer(json.dumps(said).encode())}
    answer = gateway.post("/v1/completions", json={"model": "ollama-completion", "prompt": "a", "suffix": "c"})
    assert answer.status_code == 200, answer.text
    sent = json.loads(fixed.asked[-1][2])
    assert (sent["prompt"], sent["suffix"]) == ("a", "c")


@pytest.mark.parametrize(
    ("provider", "base", "expected"),
    [
        ("ollama", "http://gpu:11434", "http://gpu:11434/v1/chat/completions"),
        ("ollama", "http://gpu:11434/", "http://gpu:11434/v1/chat/completions"),
        ("ollama", "http://gpu:11434/v1", "http://gpu:11434/v1/chat/completions"),
        ("ollama", "https://proxy.example/ollama/v1/", "https://proxy.example/ollama/v1/chat/completions"),
        ("tgi", "http://gpu:3000", "http://gpu:3000/v1/chat/completions"),
        ("sglang", "http://gpu:30000/v1", "http://gpu:30000/v1/chat/completions"),
        ("sglang", "http://gpu:30000", "http://gpu:30000/v1/chat/completions"),
        ("vllm", "http://gpu:8000/", "http://gpu:8000/v1/chat/completions"),
        ("llama.cpp", "http://gpu:8080", "http://gpu:8080/v1/chat/completions"),
        ("openai", "http://proxy:1/?k=v", "http://proxy:1/v1/chat/completions?k=v"),
        ("mistral", "http://proxy:1", "http://proxy:1/v1/chat/completions"),
        ("openai", "http://proxy:1/own", "http://proxy:1/own/chat/completions"),
        ("deepseek", "http://proxy:1", "http://proxy:1/chat/completions"),
        ("openai-compatible", "http://gpu:1", "http://gpu:1/chat/completions"),
    ],
)
def test_addresses(provider: str, base: str, expected: str) -> None:
    row = PROVIDERS[provider]
    assert row.url(row, Deployment(provider=provider, model="m", base_url=base), "/chat/completions", False) == expected


@pytest.mark.parametrize("provider", MEMBERS)
def test_they_know_no_developer(provider: str) -> None:
    assert not resolve("qwen3:8b", provider, "http://gpu:1").developer_role


@pytest.mark.parametrize(
    ("body", "status", "words", "too_long"),
    [
        ({"error": "model 'nonexistent-model:latest' not found"}, None, "not found", False),
        ({"error": {"message": "model 'x' not found", "type": "not_found_error", "code": None}}, 404, "not found", False),  # noqa: E501
        ({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9 `inputs` tokens", "error_type": "validation"}, 400, "must be <=", True),  # noqa: E501
        ({"object": "error", "message": "Input length (40000 tokens) exceeds the maximum allowed length (32768 tokens). This model's maximum context length is 32768.", "type": "BadRequestError", "code": 400}, 400, "exceeds", True),  # noqa: E501
        ({"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", "type": "invalid_request_prompt", "code": "3051"}, 400, "too large", True),  # noqa: E501
        ({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, "type": "invalid_request_error"}, 400, "body.seed: Extra inputs", False),  # noqa: E501
        ({"object": "error", "message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded", "code": "3505"}, None, "capacity exceeded", False),  # noqa: E501
        ({"message": "Unauthorized", "request_id": "1"}, None, "Unauthorized", False),
    ],
)  # fmt: skip
def test_errors_of_theirs_and_mistrals(body: dict[str, Any], status: int | None, words: str, too_long: bool) -> None:
    found = fault_of(json.dumps(body).encode())
    assert (found.status, words in found.words, found.too_long) == (status, True, too_long), found


@pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/recordings is not here")
def test_a_recorded_error_of_ollama_has_words() -> None:
    file = FOLDER / "openinference" / "ollama" / "test_chat_error_records_model_name.yaml"
    (found,) = yaml.safe_load(file.read_text())["interactions"]
    assert fault_of(found["response"]["body"]["string"].encode()).words == "model 'nonexistent-model:latest' not found"
