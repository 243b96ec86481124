"""What reaches a person of Open WebUI and what reaches a program, where upstreams fail in their words."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import serving
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, deployment, model
from tests.gateway.test_identity import token

CUDA = "CUDA error: an illegal memory access was encountered at gpu-7.internal:8000"
TOO_LONG = "This model's maximum context length is 4096 tokens. prompt is too long at gpu-7.internal"
INTERNALS = re.compile(r"CUDA|gpu-7|127\.0\.0\.1|openai-compatible|Deployment|max_tokens|upstream's|Traceback")
KANA = re.compile(r"[\u3040-\u30ff]")
STATUSES = {
    "cuda": 500,
    "refuses": 400,
    "long": 400,
    "limited": 429,
    "busy": 503,
    "key": 401,
    "inside": 200,
    "cut": 200,
}


class Upstream:
    """Fails with the status that its model is named after; `inside` and `cut` in a stream that has begun."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = json.loads((await receive())["body"])["model"]
        error = {"message": TOO_LONG if name == "long" else CUDA, "type": "their_type", "param": "x", "code": None}
        stream = STATUSES[name] == 200
        media = b"text/event-stream" if stream else b"application/json"
        await send({"type": "http.response.start", "status": STATUSES[name], "headers": [(b"content-type", media)]})
        body = json.dumps({"error": error, "trace": CUDA}).encode()
        if stream:
            choice = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}
            first = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": name, "choices": [choice]}
            await send({"type": "http.response.body", "body": _event(json.dumps(first).encode()), "more_body": True})
            body = _event(body) if name == "inside" else b""
        await send({"type": "http.response.body", "body": body})


def _event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with serving(Upstream()) as address:
        names = [model(name, deployment(address, name)) for name in STATUSES]
        models = [*names, model("away", deployment("http://127.0.0.1:9")), model("dear", deployment(address, "cuda"))]
        models[-1] |= {"price": {"input": 1.0, "output": 2.0}, "context_window": 1000, "max_output_tokens": 100}
        config = {"open_webui": {"identity_secret": IDENTITY_SECRET}, "models": models}
        process = GatewayProcess(tmp_path_factory.mktemp("failing"), config)
        process.command("budgets", "set", "person:poor@example.com", "--usd", "0", "--per", "month")
        yield process.start()
        assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def chat(failing: GatewayProcess) -> str:
    return failing.key("chat", "--identity", "open-webui")


@pytest.fixture(scope="module")
def own(failing: GatewayProcess) -> str:
    return failing.key("own", "--owner", "alice@example.com")


def ask(gateway: GatewayProcess, key: str, name: str, headers: Any = None, **body: Any) -> httpx2.Response:
    asked = {"model": name, "messages": [{"role": "user", "content": "hi"}], **body}
    sent = {"authorization": f"Bearer {key}", **(headers or {})}
    return httpx2.post(f"{gateway.url}/v1/chat/completions", json=asked, headers=sent, timeout=60, trust_env=False)


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """Return the error of an answer, or of the last event of a stream."""
    text = answer.text
    if text.startswith(("data:", ":")):
        text = [line for line in text.splitlines() if line.startswith("data:")][-1].removeprefix("data:")
    return dict(json.loads(text)["error"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", [*STATUSES, "away"])
def test_a_person_reads_a_sentence_and_no_internals(
    failing: GatewayProcess, chat: str, name: str, stream: bool
) -> None:
    if STATUSES.get(name) == 200 and not stream:
        return
    for language, japanese, english in (("ja-JP", True, False), ("en-US", False, True), (None, True, True)):
        signed = token(language=language, timezone="Asia/Tokyo")
        answer = ask(failing, chat, name, sekisho_identity=signed, stream=stream)
        error = error_of(answer)
        message = error["message"]
        assert not INTERNALS.search(answer.text + repr(answer.headers)), answer.text
        assert (bool(KANA.search(message)), bool(re.search("[Tt]he model", message))) == (japanese, english), message
        assert name in message
        assert answer.headers["x-sekisho-request-id"] in message
        assert set(error) == {"message", "type", "param", "code"}


def test_the_administrator_finds_the_internals_under_the_id(failing: GatewayProcess, chat: str) -> None:
    answer = ask(failing, chat, "cuda", sekisho_identity=token(language="ja"))
    lines = [line for line in failing.log.splitlines() if answer.headers["x-sekisho-request-id"] in line]
    assert any("CUDA error" in line and "openai-compatible@127.0.0.1" in line for line in lines)


def test_status_code_type_and_param_stay(failing: GatewayProcess, chat: str, own: str) -> None:
    for name in ("refuses", "long", "cuda", "limited"):
        person, program = ask(failing, chat, name), ask(failing, own, name)
        members = [{**error_of(each), "message": None} for each in (person, program)]
        assert person.status_code == program.status_code
        assert members[0]["type"] == members[1]["type"]
        assert members[0]["param"] == members[1]["param"]


def test_a_program_gets_what_it_acts_on_untouched(failing: GatewayProcess, own: str) -> None:
    assert error_of(ask(failing, own, "long"))["message"] == TOO_LONG
    assert "prompt is too long" in error_of(ask(failing, own, "long", {"accept-language": "ja"}))["message"]


@pytest.mark.parametrize(("accepted", "japanese"), [("ja", True), ("en", False), (None, True)])
def test_a_program_keeps_field_names_and_is_told_in_its_language(
    failing: GatewayProcess, own: str, accepted: str | None, japanese: bool
) -> None:
    answer = ask(failing, own, "cuda", {"accept-language": accepted} if accepted else None, messages=None)
    message = error_of(answer)["message"]
    assert "'messages'" in message
    assert bool(KANA.search(message)) is japanese
    assert answer.headers["x-sekisho-request-id"] in message


@pytest.mark.parametrize("name", ["cuda", "away", "busy", "cut", "key"])
def test_a_program_learns_no_deployment(failing: GatewayProcess, own: str, name: str) -> None:
    answer = ask(failing, own, name, stream=True)
    assert not INTERNALS.search(answer.text + repr(answer.headers)), answer.text


def test_a_budget_is_told_in_the_persons_time_and_tells_what_goes_on(failing: GatewayProcess, chat: str) -> None:
    signed = token(email="poor@example.com", language="ja", timezone="Asia/Tokyo")
    answer = ask(failing, chat, "dear", sekisho_identity=signed)
    message = error_of(answer)["message"]
    assert answer.status_code == 429
    assert "あなたの今月の予算 $0.00 を使い切りました" in message
    assert re.search(r"\d{4}-\d\d-01 09:00 \(Asia/Tokyo\)", message)
    assert "料金のかからないモデルは引き続き使えます: cuda、refuses、long。" in message


def test_lists_and_own_usage_are_told_too(failing: GatewayProcess) -> None:
    for path in ("/v1/models", "/v1/me", "/v1/me/usage"):
        answer = httpx2.get(failing.url + path, headers={"accept-language": "ja"}, trust_env=False)
        assert answer.status_code == 401
        assert KANA.search(error_of(answer)["message"])
        assert answer.headers["x-sekisho-request-id"] in error_of(answer)["message"]
