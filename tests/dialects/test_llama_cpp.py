"""A real server that speaks all three of our clients' dialects: llama.cpp, behind its row of the provider table.

Temperature 0, as this llama.cpp forgets `message_start` where an answer begins with half a character (an emoji).
"""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest

from gateway.ledger.record import Record
from install.embedded.model_file import model_file
from tests.fakes.serving import free_port
from tests.fixtures.gateway import GatewayProcess

pytest.importorskip("xllamacpp")

WIRES = ("chat", "responses", "messages")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with `smollm2`, served by llama.cpp."""
    weights = model_file()
    port = free_port()
    call = [sys.executable, "-m", "install.embedded.chat_model", str(weights), str(port)]
    server = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deployment = {"provider": "llama.cpp", "base_url": f"http://127.0.0.1:{port}/v1", "model": "local"}
    # Its words come out as text, as this model has no such tokens: the way there and back is the same.
    coder = {**deployment, "dialects": ["completions"]}
    config = {
        "models": [
            {"name": "smollm2", "deployments": [deployment]},
            *({"name": f"on-{wire}", "deployments": [{**deployment, "dialects": [wire]}]} for wire in WIRES),
            {"name": "coder", "mode": "completion", "fim": "starcoder", "deployments": [coder]},
        ]
    }
    gateway = GatewayProcess(tmp_path_factory.mktemp("llama"), config)
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        yield gateway.start()
        assert gateway.stop() == 0, gateway.log
    finally:
        server.terminate()
        server.wait(20)


def test_messages(local: GatewayProcess) -> None:
    key = local.key("messages")
    with anthropic.Anthropic(base_url=local.url, auth_token=key, api_key=None, max_retries=0) as client:
        asked: anthropic.types.MessageParam = {"role": "user", "content": "Say hi."}
        with client.messages.stream(
            model="smollm2", max_tokens=12, extra_body={"temperature": 0}, messages=[asked]
        ) as stream:
            streamed = stream.get_final_message()
        whole = client.messages.create(model="smollm2", max_tokens=12, extra_body={"temperature": 0}, messages=[asked])
        counted = client.messages.count_tokens(model="smollm2", messages=[asked]).input_tokens
    assert {streamed.model, whole.model} == {"smollm2"}
    assert streamed.content[0].type == "text"
    records = _records(local, "messages", 3)
    assert [record.task for record in records] == ["chat", "chat", "count_tokens"]
    for record in records[:2]:
        assert record.input_tokens == counted, "cached or not, the prompt is as long as it is"
        assert record.output_tokens
        assert record.usage_source == "provider"


def test_responses(local: GatewayProcess) -> None:
    key = local.key("responses")
    with openai.OpenAI(base_url=f"{local.url}/v1", api_key=key, max_retries=0) as client:
        *_, last = client.responses.create(
            model="smollm2", max_output_tokens=12, temperature=0, input="Say hi.", stream=True
        )
        whole = client.responses.create(model="smollm2", max_output_tokens=12, temperature=0, input="Say hi.")
    assert last.type == "response.completed"
    assert {last.response.model, whole.model} == {"smollm2"}, "not the path of its file"
    for record in _records(local, "responses", 2):
        assert record.input_tokens
        assert record.output_tokens
        assert record.usage_source == "provider"


@pytest.mark.parametrize("wire", WIRES)
def test_every_client_on_each_of_its_wires(local: GatewayProcess, wire: str) -> None:
    """The same words in the same model: at temperature 0 it says the same, whichever way they took."""
    key, model = local.key(f"on-{wire}"), f"on-{wire}"
    with openai.OpenAI(base_url=f"{local.url}/v1", api_key=key, max_retries=0) as client:
        said = {
            client.chat.completions.create(
                model=model, max_tokens=8, temperature=0, messages=[{"role": "user", "content": "Say hi."}]
            )
            .choices[0]
            .message.content,
            client.responses.create(model=model, max_output_tokens=8, temperature=0, input="Say hi.").output_text,
        }
    with anthropic.Anthropic(base_url=local.url, auth_token=key, api_key=None, max_retries=0) as other:
        asked: anthropic.types.MessageParam = {"role": "user", "content": "Say hi."}
        with other.messages.stream(
            model=model, max_tokens=8, extra_body={"temperature": 0}, messages=[asked]
        ) as stream:
            said.add(stream.get_final_text())
    (words,) = said
    assert words


def _records(gateway: GatewayProcess, api: str, wanted: int) -> list[Record]:
    found = [record for record in gateway.records() if record.api == api]
    assert [record.outcome for record in found] == ["ok"] * wanted
    return found


def _wait(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("llama.cpp did not start")


def test_a_model_without_gaps_says_so(local: GatewayProcess) -> None:
    """Its Completions would leave the suffix out without a word."""
    client = {"headers": {"authorization": f"Bearer {local.key('gaps')}"}, "base_url": local.url, "timeout": 60}
    bodies: dict[str, dict[str, object]] = {
        "/infill": {"input_prefix": "def f(", "input_suffix": "):"},
        "/v1/completions": {"prompt": "def f(", "suffix": "):"},
        "/v1/fim/completions": {"prompt": "def f(", "suffix": "):"},
    }
    with httpx2.Client(**client, trust_env=False) as http:  # type: ignore[arg-type]
        for path, body in bodies.items():
            answer = http.post(path, json={"model": "smollm2", **body})
            assert (answer.status_code, "cannot fill in the middle" in answer.text) == (400, True), answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_a_template_comes_back_as_infill(local: GatewayProcess, stream: bool) -> None:
    headers = {"authorization": f"Bearer {local.key(f'infill-{stream}')}"}
    body = {"input_prefix": "def f(", "input_suffix": "):", "n_predict": 6, "temperature": 0, "stream": stream}
    answer = httpx2.post(f"{local.url}/infill", json=body, headers=headers, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert '"content":"' in answer.text
    record = local.record(answer.headers["x-sekisho-request-id"])
    assert (record.model, record.usage_source) == ("coder", "provider"), "the only model for completion is meant"
    assert record.input_tokens


def test_tokens_there_and_back(local: GatewayProcess) -> None:
    client = {"headers": {"authorization": f"Bearer {local.key('tokens')}"}, "base_url": local.url, "timeout": 60}
    with httpx2.Client(**client, trust_env=False) as http:  # type: ignore[arg-type]
        asked = {"model": "smollm2", "prompt": "def f(日本):", "add_special_tokens": False, "return_token_strs": True}
        told = http.post("/tokenize", json=asked).json()
        assert told["count"] == len(told["tokens"]) == len(told["token_strs"]) > 3
        text = http.post("/v1/detokenize", json={"model": "smollm2", "tokens": told["tokens"]}).json()
    assert text == {"prompt": "def f(日本):"}
