"""Configurations: what is wrong is said with file, line, key and remedy; changes swap in while running."""

import json
import time
from pathlib import Path

import httpx2
import pytest

from gateway.commands.wires import wires
from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.preflight import load
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

ONE = "models:\n  - name: a\n    deployments: [{provider: vllm, base_url: 'http://gpu:8000/v1', model: m}]\n"

WRONG = [
    ("models:\n  - name: a\n    mod: chat\n", "sekisho.yaml:3: models.0.mod: unknown key; did you mean 'mode'?"),
    ("server:\n  port: lots\n", "sekisho.yaml:2: server.port: input should be a valid integer"),
    ("sever: {}\n", "sekisho.yaml:1: sever: unknown key; did you mean 'server'?"),
    (ONE + ONE.removeprefix("models:\n"), "models.1.name: the model 'a' is already defined at"),
    (ONE.replace("vllm", "vlm"), "provider: 'vlm' is not known; did you mean 'vllm'?"),
    (ONE.replace("base_url: 'http://gpu:8000/v1', ", ""), "base_url: missing; the provider 'vllm' has no address"),
    (ONE.replace("http://gpu", "gpu"), "base_url: 'gpu:8000/v1' is not an address such as http://gpu1:8000/v1"),
    (ONE.replace("gpu:8000", "gpu:port"), "base_url: 'http://gpu:port/v1' is not an address"),
    (ONE.replace("model: m", "model: m, api_key: 'sk one'"), "api_key: has a space, a line break or a letter"),
    (ONE.replace("model: m", "model: m, identity: all"), "identity: only the company's own agents (mode: agent) may"),
    (
        ONE.replace("name: a\n", "name: a\n    mode: agent\n").replace("model: m", "model: m, identity: all"),
        "sekisho.yaml:4: identity: needs 'open_webui.identity_secret'",
    ),
    ("server: {outbound_proxy: 'socks5://proxy:1080'}\n", "server.outbound_proxy: must be http://"),
    ("database: postgresql+asyncpg://a:b@c/d\n", "database: machines that share it need one 'key_secret'"),
    (ONE + "    fallback: [b]\n", "sekisho.yaml:4: fallback: there is no model 'b'"),
    (ONE.replace("model: m", "model: m, api_key: '${NOT_SET}'"), "the environment variable NOT_SET is not set"),
    ("server: {port: 1}\nserver: {port: 2}\n", "the same key is written twice"),
    ("server: [\n", "not valid YAML"),
    ("- 1\n", "must be a mapping"),
    ("server: {workers: 2}\n", "server.workers: several workers need 'shared_state'"),
    ("include: [gone.yaml]\n", "gone.yaml: no such file"),
    ("models: [{name: 'a b', deployments: []}]\n", "models.0.name"),
    (
        ONE + "    price:\n      images:\n        1024x1024: 0.04\n        1024x1024/hi: 0.2\n",
        "sekisho.yaml:7: models.0.price.images.1024x1024/hi: '1024x1024/hi' is no kind of image; write a size such as",
    ),
    (
        ONE + "    price:\n      images:\n        high: cheap\n",
        "sekisho.yaml:6: models.0.price.images.high: input should",
    ),
    (ONE + "    price: {images: 0.04}\n", "sekisho.yaml:4: models.0.price.images: input should be a valid dictionary"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert says in str(caught.value)


def test_names_taken_twice_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("\n" + ONE)
    file = tmp_path / "sekisho.yaml"
    file.write_text("include: [more.yaml]\n" + ONE)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert "sekisho.yaml:3: models.1.name: the model 'a' is already defined at" in str(caught.value)
    assert "more.yaml:3" in str(caught.value)


def test_includes_join_lists_and_the_including_file_wins(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/gpu.yaml").write_text("server: {port: 1, host: 0.0.0.0}\n" + ONE)
    file = tmp_path / "sekisho.yaml"
    file.write_text("include: [models/gpu.yaml]\nserver: {port: 2}\n" + ONE.replace("name: a", "name: b"))
    loaded = load(file, {})
    assert [each.name for each in loaded.config.models] == ["a", "b"]
    assert (loaded.config.server.port, loaded.config.server.host) == (2, "0.0.0.0")
    assert loaded.document.place(("models", 1, "name")).line == 4


def test_dates_without_a_time_begin_the_day(tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(ONE + "    available: {from: 2026-04-01, until: null}\n")
    begins = load(file, {}).config.models[0].available.from_
    assert begins
    assert begins.isoformat() == "2026-04-01T00:00:00+00:00"


DESIGN = """
include: [models/bedrock.yaml]
server: {host: 127.0.0.1, port: 4000, workers: 1, allowed_networks: [], trusted_proxies: [], outbound_proxy: null}
data_dir: ./sekisho-data
database: null
shared_state: null
ledger: {destination: null}
open_webui:
  identity_secret: ${SEKISHO_IDENTITY_SECRET}
models:
  - name: gemma-3-27b
    mode: chat
    deployments:
      - {provider: vllm, base_url: "http://gpu1:8000/v1", model: google/gemma-3-27b-it, max_concurrency: 32}
      - {provider: vllm, base_url: "http://gpu2:8000/v1", model: google/gemma-3-27b-it, max_concurrency: 32}
  - name: coder
    mode: chat
    deployments:
      - provider: openai
        base_url: "http://gpu3:8000/v1"
        api_key: "${CODER_KEY}"
        model: qwen-coder
        dialects: [chat, completions, responses, messages]
"""
BEDROCK = """
models:
  - name: claude-sonnet
    mode: chat
    description: Coding and long documents
    context_window: 200000
    max_output_tokens: 64000
    price: {input: 3.00, output: 15.00, cached_input: 0.30, cache_write: 3.75}
    available: {from: 2026-04-01, until: null}
    fallback: [gemma-3-27b]
    deployments:
      - provider: bedrock
        model: global.anthropic.claude-sonnet-4-6
        region: ap-northeast-1
"""


def test_the_documented_configuration_loads(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/bedrock.yaml").write_text(BEDROCK)
    file = tmp_path / "sekisho.yaml"
    file.write_text(DESIGN)
    config = load(file, {"SEKISHO_IDENTITY_SECRET": "s" * 32, "CODER_KEY": "k"}).config
    assert [each.name for each in config.models] == ["claude-sonnet", "gemma-3-27b", "coder"]
    assert config.data_dir == tmp_path / "sekisho-data"


def test_check_and_explain(gateway: GatewayProcess) -> None:
    assert json.loads(gateway.command("config", "check", "--json"))["models"] > 10
    explained = gateway.command("config", "explain")
    assert "server.keepalive_seconds = 0.3    # sekisho.yaml:" in explained
    assert 'open_webui.identity_secret = "***"    # sekisho.yaml:' in explained
    assert "from ${SEKISHO_IDENTITY_SECRET}" in explained
    assert 'server.host = "127.0.0.1"    # default' in explained
    assert ' for clients of messages = "chat"    # translated; provider openai-compatible' in explained


def test_explain_tells_the_wire_of_each_family(tmp_path: Path) -> None:
    bedrock = {"provider": "bedrock", "region": "us-west-2"}
    places = {
        "chat": {**bedrock, "model": "amazon.nova-lite-v1:0"},
        "rerank": {**bedrock, "model": "amazon.rerank-v1:0"},
        "embedding": {**bedrock, "model": "amazon.titan-embed-text-v2:0"},
        "image": {"provider": "openai", "model": "gpt-image-2"},
    }
    models = [model(mode, place, mode=mode) for mode, place in places.items()]
    told = {what: (dialect, why) for what, dialect, why in wires(Config.model_validate({"models": models}))}
    assert told["models.0.deployments.0 for clients of gemini"] == ('"converse"', "translated; provider bedrock")
    assert told["models.1.deployments.0 for clients of rerank"][0] == '"bedrock-rerank"'
    assert told["models.2.deployments.0 for clients of embeddings"][0] == '"titan-embeddings"'
    assert told["models.3.deployments.0 for clients of images"] == ('"images"', "untouched; provider openai")
    assert len(told) == 7


def test_edits_swap_in_while_running(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    """A valid change is served at once, an invalid one is refused and logged, a running stream goes on."""
    config = {"models": [model("slow", deployment(upstream[1], "slow"))]}
    gateway = GatewayProcess(tmp_path, config).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}

    def names() -> set[str]:
        listed = httpx2.get(f"{gateway.url}/v1/models", headers=headers, trust_env=False).json()
        return {each["id"] for each in listed["data"]}

    body = {"model": "slow", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    url = f"{gateway.url}/v1/chat/completions"
    with httpx2.stream("POST", url, json=body, headers=headers, timeout=30, trust_env=False) as answer:
        parts = answer.iter_raw()
        next(parts)
        gateway.configure({"models": [model("new", deployment(upstream[1]))]})
        _until(lambda: names() == {"new"})
        assert b"".join(parts).endswith(b"data: [DONE]\n\n"), "the old model's stream ends in peace"

    gateway.file.write_text("models: [{name: broken}]\n")
    _until(lambda: "the changed configuration is refused" in gateway.log)
    assert names() == {"new"}
    assert gateway.stop() == 0


def _until(condition: object, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_wrong_file_ends_serve_with_two(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, {"models": [{"name": "x"}]})
    with pytest.raises(AssertionError, match=r"sekisho\.yaml:\d+: models\.0\.deployments: field required"):
        gateway.start()
    assert gateway.process
    assert gateway.process.returncode == 2
