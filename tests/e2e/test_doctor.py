"""`sekisho doctor` on the whole stack: every way to a model, healthy and ill, in both languages."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.e2e.stack import CHAT_MODEL, EMBEDDING_MODEL, Stack, until
from tests.e2e.upstream import USAGE
from tests.fakes.serving import serving
from tests.fixtures.gateway import ADMIN_KEY, IDENTITY_SECRET, deployment, model
from tests.fixtures.open_webui import free_port

TOOL_MODEL = "tool-model"
TOOL = "get_current_timestamp"
AGENT = "desk"

Doctor = Callable[..., subprocess.CompletedProcess[str]]


async def tool_model(request: Request) -> Response:
    """Calls the tool it is offered once, then answers."""
    body = await request.json()
    offered = {tool["function"]["name"] for tool in body.get("tools", [])}
    asked = any(message["role"] == "tool" for message in body["messages"])
    call = TOOL in offered and not asked
    if not body.get("stream"):
        message = {"role": "assistant", "content": "OK"}
        return JSONResponse(envelope([{"index": 0, "message": message, "finish_reason": "stop"}]))
    return StreamingResponse(chunks(call), media_type="text/event-stream")


async def chunks(call: bool) -> AsyncIterator[bytes]:
    function = {"name": TOOL, "arguments": "{}"}
    tool_calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    delta: dict[str, Any] = {"role": "assistant", **({"tool_calls": tool_calls} if call else {"content": "OK"})}
    last: dict[str, Any] = {"delta": {}, "finish_reason": "tool_calls" if call else "stop"}
    for choice in ({"delta": delta}, last):
        yield b"data: " + json.dumps(envelope([{"index": 0, **choice}])).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def envelope(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": USAGE}


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Iterator[Stack]:
    """The gateway with an admin key and a model that calls tools, taken up while it runs."""
    gateway = stack.gateway
    before = gateway.file.read_text()
    config = YAML(typ="safe").load(before)
    with serving(Starlette(routes=[Route("/v1/chat/completions", tool_model, methods=["POST"])])) as address:
        desk = model(AGENT, deployment(address), mode="agent")
        models = [*config["models"], model(TOOL_MODEL, deployment(address), mode="chat"), desk]
        gateway.configure({**config, "admin_key": "${ADMIN_KEY}", "models": models})
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        until(
            lambda: httpx2.get(f"{gateway.url}/admin/records", headers=headers).is_success,
            "the gateway does not open its ledger",
        )
        yield stack
    gateway.file.write_text(before)


@pytest.fixture
def doctor(opened: Stack, tmp_path_factory: pytest.TempPathFactory) -> Doctor:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_doctor(opened, tmp_path_factory.mktemp("state"), *arguments, **environment)

    return run


def run_doctor(stack: Stack, state: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "SEKISHO_OPEN_WEBUI_URL": stack.open_webui.url,
        "SEKISHO_OPEN_WEBUI_TOKEN": stack.open_webui.admin_token,
        "SEKISHO_GATEWAY_URL": f"{stack.gateway.url}/v1",
        "SEKISHO_IDENTITY_SECRET": IDENTITY_SECRET,
        "SEKISHO_ADMIN_KEY": ADMIN_KEY,
        "SEKISHO_STATE": str(state),
        "LANG": "C.UTF-8",
    }
    command = [sys.executable, "-m", "install", "doctor", *arguments]
    env = {"PATH": os.environ["PATH"], "HOME": settings["SEKISHO_STATE"], **settings, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=300)


def rows(done: subprocess.CompletedProcess[str], part: str) -> dict[str, dict[str, str]]:
    assert done.stdout, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)[part]}


TASKS = ("title", "tags", "follow-ups", "queries")


@pytest.mark.timeout(400)
def test_a_healthy_stack(opened: Stack, doctor: Doctor) -> None:
    chats = opened.open_webui.request("GET", "/api/v1/chats/")
    opened.open_webui.request("POST", "/api/v1/auths/api_key")
    # How valves are stored shows in one's own; where there are no settings at all, none are made for it.
    opened.open_webui.request("POST", "/api/v1/users/user/settings/update", {"functions": {}})
    settings = opened.open_webui.request("GET", "/api/v1/users/user/settings")

    done = doctor("--json", "--model", TOOL_MODEL)

    paths = rows(done, "paths")
    states = {name: row["state"] for name, row in paths.items()}
    assert (states["chat"], states["tools"], states["api key"]) == ("verified", "verified", "verified"), paths
    assert {states[name] for name in TASKS} == {"attributed"}, paths
    assert states["embeddings"] == "attributed", paths["embeddings"]
    off = {name for name, state in states.items() if state == "off"}
    assert off == {"rerank", "speech", "transcription", "images", "pipe", "tool server"}
    checks = rows(done, "checks")
    good = ("open_webui", "gateway", "gateway_inside", "plugins", "functions", "clock", "secret", "ledger")
    assert {name: checks[name]["state"] for name in good} == dict.fromkeys(good, "ok"), checks
    assert checks["valves"]["state"] == "warning"
    assert "ENABLE_VALVE_ENCRYPTION" in checks["valves"]["remedy"]
    assert done.returncode == 0, done.stderr
    assert opened.open_webui.request("GET", "/api/v1/chats/") == chats
    assert opened.open_webui.request("GET", "/api/v1/users/user/settings") == settings
    secrets = (IDENTITY_SECRET, ADMIN_KEY, opened.open_webui.admin_token)
    assert not [secret for secret in secrets if secret in done.stdout + done.stderr]


@pytest.fixture
def agent_in_the_menu(opened: Stack, tmp_path: Path) -> Iterator[None]:
    """As an administrator puts an agent of the gateway there."""
    server = opened.open_webui
    (tmp_path / "pack.yaml").write_text(f"models: []\nagents: [{AGENT}]\n")
    options = {
        "--url": server.url,
        "--token": server.admin_token,
        "--gateway-url": f"{opened.gateway.url}/v1",
        "--identity-secret": IDENTITY_SECRET,
        "--manifest": str(tmp_path / "pack.yaml"),
        "--state": str(tmp_path / "state"),
    }
    command = [sys.executable, "-m", "install", "apply", *(part for option in options.items() for part in option)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    yield
    server.request("DELETE", "/api/v1/functions/id/agents/delete")
    server.request("POST", "/api/v1/models/model/delete", {"id": f"agents.{AGENT}"})


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("agent_in_the_menu")
def test_a_pipe_asks_the_gateway_as_the_person(doctor: Doctor) -> None:
    others = (*TASKS, "tools", "embeddings", "api key")
    done = doctor("--json", "--model", CHAT_MODEL, *(part for name in others for part in ("--skip", name)))
    assert rows(done, "paths")["pipe"]["state"] == "verified", done.stdout


@pytest.mark.timeout(400)
def test_with_an_api_key(opened: Stack, doctor: Doctor) -> None:
    """It may ask less about itself than a session; the ways are told as well."""
    server = opened.open_webui
    chats = server.request("GET", "/api/v1/chats/")
    key = server.request("POST", "/api/v1/auths/api_key")["api_key"]
    others = (*TASKS, "tools", "embeddings")
    skipped = [part for name in others for part in ("--skip", name)]
    done = doctor("--json", "--model", CHAT_MODEL, *skipped, SEKISHO_OPEN_WEBUI_TOKEN=key)
    paths = rows(done, "paths")
    assert (paths["chat"]["state"], paths["api key"]["state"]) == ("verified", "verified"), paths
    assert rows(done, "checks")["plugins"]["state"] == "ok"
    assert server.request("GET", "/api/v1/chats/") == chats


@pytest.mark.timeout(400)
def test_a_model_that_calls_no_tool_is_said_so(doctor: Doctor) -> None:
    others = (*TASKS, "embeddings", "api key")
    done = doctor("--json", "--model", CHAT_MODEL, *(part for name in others for part in ("--skip", name)))
    tools = rows(done, "paths")["tools"]
    assert (tools["state"], "--model" in tools["remedy"]) == ("unknown", True)


def test_two_different_secrets(opened: Stack, doctor: Doctor) -> None:
    server = opened.open_webui
    path = "/api/v1/functions/id/user_identity/valves"
    before = server.request("GET", path)
    server.request("POST", f"{path}/update", {**before, "secret": "another-secret-of-more-than-32-characters"})
    try:
        done = doctor("--json", "--model", CHAT_MODEL, "--skip", "tools", "--skip", "embeddings")
    finally:
        server.request("POST", f"{path}/update", before)
    secret = rows(done, "checks")["secret"]
    assert secret["state"] == "failed"
    assert "open_webui.identity_secret" in secret["remedy"]
    chat = rows(done, "paths")["chat"]
    assert chat["state"] == "failed"
    assert done.returncode == 1


def test_a_switched_off_filter_and_a_way_past_the_gateway(opened: Stack, doctor: Doctor) -> None:
    server = opened.open_webui
    toggle = "/api/v1/functions/id/user_identity/toggle"
    speech = {"audio.tts.engine": "openai", "audio.tts.openai.api_base_url": f"{opened.gateway.url}/v1"}
    before = {name: server.request("GET", "/api/v1/configs/export")[name] for name in speech}
    server.request("POST", toggle)
    server.request("POST", "/api/v1/configs/import", {"config": speech})
    try:
        done = doctor("--json", "--model", CHAT_MODEL, "--skip", "tools", "--skip", "embeddings")
    finally:
        server.request("POST", toggle)
        server.request("POST", "/api/v1/configs/import", {"config": before})
    functions, paths = rows(done, "checks")["functions"], rows(done, "paths")
    assert functions["state"] == "failed"
    assert "user_identity" in functions["detail"]
    assert "SAFE_MODE" in functions["remedy"]
    assert paths["chat"]["state"] == "attributed"
    assert "user_identity" in paths["chat"]["remedy"]
    assert paths["speech"]["state"] == "failed"
    assert paths["images"]["state"] == "off"


def test_no_ledger_no_guess(doctor: Doctor) -> None:
    done = doctor("--json", SEKISHO_ADMIN_KEY="wrong")
    assert "admin_key" in rows(done, "checks")["ledger"]["remedy"]
    assert {row["state"] for row in rows(done, "paths").values()} == {"unknown"}
    assert done.returncode == 1


def test_a_gateway_that_is_elsewhere_from_here(doctor: Doctor) -> None:
    done = doctor("--json", "--gateway-from-here", f"http://127.0.0.1:{free_port()}")
    checks = rows(done, "checks")
    assert (checks["gateway"]["state"], checks["gateway_inside"]["state"]) == ("failed", "ok")
    assert "--gateway-from-here" in checks["gateway"]["remedy"]


@pytest.mark.parametrize(("language", "says"), [("ja_JP.UTF-8", "署名で確認"), ("en_GB.UTF-8", "verified")])
def test_the_screen_speaks_the_language_of_the_terminal(doctor: Doctor, language: str, says: str) -> None:
    others = (*TASKS, "tools", "embeddings", "api key")
    skipped = [part for name in others for part in ("--skip", name)]
    done = doctor("--model", CHAT_MODEL, *skipped, LANG=language)
    assert says in done.stdout
    assert "\x1b" not in done.stdout


def test_the_embedding_model_is_in_place(opened: Stack) -> None:
    """What the probe of embeddings relies on."""
    found = opened.open_webui.request("GET", "/api/v1/retrieval/embedding")
    assert found["RAG_EMBEDDING_MODEL"] == EMBEDDING_MODEL
