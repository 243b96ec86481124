"""A shared Open WebUI that is put back as it was after every test, and a gateway that only lists models."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.secret import Secret
from install.open_webui import OpenWebUI, Token, connect
from install.pack.engine.apply import carry_out, verify
from install.pack.engine.change import Plan
from install.pack.engine.plan import make_plan, plan_state
from install.pack.engine.receipts import Receipts
from install.pack.engine.rollback import plan_rollback
from install.pack.inputs import Options
from install.pack.manifest import Manifest
from tests.fixtures.open_webui import OpenWebUIServer, free_port

GATEWAY_KEY = "sk-gateway-key-for-tests"
IDENTITY_SECRET = "identity-secret-for-tests-0123456789"

MODELS: list[dict[str, Any]] = [
    {"id": "claude-sonnet", "object": "model", "mode": "chat", "description": "Long documents"},
    {"id": "gemma-3-27b", "object": "model", "name": "Gemma 3"},
    {"id": "e5-small", "object": "model", "mode": "embedding"},
    {"id": "bge-reranker", "object": "model", "mode": "rerank"},
    {"id": "say", "object": "model", "mode": "speech"},
    {"id": "hear", "object": "model", "mode": "transcription"},
    {"id": "paint", "object": "model", "mode": "image"},
]


HUB: dict[str, Any] = {
    "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "instructions": ""},
    "tools/list": {"tools": [{"name": "git__log", "inputSchema": {"type": "object"}}]},
}


@dataclass
class FakeGateway:
    url: str
    models: list[dict[str, Any]] = field(default_factory=lambda: list(MODELS))
    keys: set[str] = field(default_factory=lambda: {GATEWAY_KEY})
    hub: bool = False
    """Whether it has tool servers."""
    asked_by: list[dict[str, str]] = field(default_factory=list)
    """Headers of the requests to the hub."""


def serve(app: Starlette, **more: Any) -> Iterator[str]:
    """Run an ASGI app on a real socket; yields its address."""
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off", **more)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    async def models(request: Request) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in fake.keys:
            return JSONResponse({"error": {"message": "unknown key"}}, 401)
        return JSONResponse({"object": "list", "data": fake.models})

    async def hub(request: Request) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        fake.asked_by.append(dict(request.headers))
        if key not in fake.keys or not fake.hub:
            return JSONResponse({"error": {"message": "no"}}, 404)
        asked = await request.json()
        result = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", **HUB[asked["method"]]}
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    fake = FakeGateway("")
    routes = [Route("/v1/models", models), Route("/mcp", hub, methods=["POST"])]
    for address in serve(Starlette(routes=routes)):
        fake.url = f"{address}/v1"
        yield fake


@dataclass
class State:
    """Everything the installer may write, as Open WebUI exports it."""

    settings: Any
    functions: Any
    models: Any
    tools: Any
    prompts: Any
    embedding: Any


def state_of(server: OpenWebUIServer) -> State:
    return State(
        server.request("GET", "/api/v1/configs/export"),
        server.request("GET", "/api/v1/functions/export?include_valves=true"),
        server.request("GET", "/api/v1/models/all"),
        server.request("GET", "/api/v1/tools/export"),
        server.request("GET", "/api/v1/prompts/"),
        server.request("GET", "/api/v1/retrieval/embedding"),
    )


# What a row of the database says about its own writing.
BOOKKEEPING = {"updated_at", "created_at", "version_id"}


def content_of(server: OpenWebUIServer) -> Any:
    """The state without times and version numbers, in an order that does not depend on them."""
    return _content(asdict(state_of(server)))


def _content(value: Any) -> Any:
    if isinstance(value, dict):
        # Grants and prompts get new ids when they are made again.
        left_out = BOOKKEEPING | ({"id", "resource_id"} if value.keys() & {"principal_id", "command"} else set())
        return {key: _content(each) for key, each in value.items() if key not in left_out}
    if isinstance(value, list):
        return sorted((_content(each) for each in value), key=repr)
    return value


@pytest.fixture
def server(open_webui: OpenWebUIServer) -> Iterator[OpenWebUIServer]:
    before = state_of(open_webui)
    yield open_webui
    after = state_of(open_webui)
    for function in _added(before.functions, after.functions):
        open_webui.request("DELETE", f"/api/v1/functions/id/{function}/delete")
    for tool in _added(before.tools, after.tools):
        open_webui.request("DELETE", f"/api/v1/tools/id/{tool}/delete")
    for prompt in _added(before.prompts, after.prompts):
        open_webui.request("DELETE", f"/api/v1/prompts/id/{prompt}/delete")
    for model in _added(before.models, after.models):
        open_webui.request("POST", "/api/v1/models/model/delete", {"id": model})
    if after.embedding != before.embedding:
        open_webui.request("POST", "/api/v1/retrieval/embedding/update", before.embedding)
    if changed := {key: value for key, value in before.settings.items() if after.settings.get(key) != value}:
        open_webui.request("POST", "/api/v1/configs/import", {"config": changed})


def _added(before: Any, after: Any) -> set[str]:
    return {row["id"] for row in after} - {row["id"] for row in before}


# These POSTs ask and change nothing.
QUESTIONS = ("/openai/verify", "/tool_servers/verify", "/auths/signin")


def writes(server: OpenWebUIServer) -> int:
    """How many changing requests Open WebUI has logged; asking a connection for its models changes nothing."""
    lines = server.log.read_text(errors="replace").splitlines()
    changing = ('"POST /', '"DELETE /')
    return sum(any(verb in line for verb in changing) and not any(path in line for path in QUESTIONS) for line in lines)


@dataclass
class Pack:
    """The installer on one server, with receipts of its own."""

    client: OpenWebUI
    options: Options
    receipts: Receipts

    def plan(self, manifest: Manifest, options: Options | None = None) -> Plan:
        return make_plan(self.client, manifest, options or self.options, self.receipts.known())

    def apply(self, manifest: Manifest, options: Options | None = None) -> Plan:
        plan = self.plan(manifest, options)
        self.carry_out(plan, "apply")
        verify(lambda: self.plan(manifest, options), self.client, plan)
        return plan

    def remove(self, *, force: bool = False) -> Plan:
        plan = plan_state(self.client, (), self.receipts.known(), force=force)
        self.carry_out(plan, "remove")
        return plan

    def rollback(self, to: str | None = None, *, force: bool = False) -> Plan:
        plan = plan_rollback(
            self.client, self.receipts, to or self.receipts.before_last(), exactly=to is None, force=force
        )
        self.carry_out(plan, "rollback")
        return plan

    def carry_out(self, plan: Plan, command: str = "apply") -> None:
        carry_out(self.client, plan, self.receipts, command, lambda change: None)


@pytest.fixture
def pack(client: OpenWebUI, options: Options, tmp_path: Path) -> Pack:
    return Pack(client, options, Receipts(tmp_path / "state"))


@dataclass
class Relay:
    """Stands before Open WebUI and counts what changes something; after `break_after` of these it hangs up for good."""

    target: str
    url: str = ""
    written: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Everything."""
    break_after: int | None = None


def _hang_up() -> Response:
    """Return an answer that ends before its announced length: the server closes the connection on it."""
    return StreamingResponse(iter(()), headers={"content-length": "10"})


@pytest.fixture
def relay(server: OpenWebUIServer) -> Iterator[Relay]:
    found = Relay(server.url)

    async def pass_on(request: Request) -> Response:
        path = request.url.path
        found.asked.append((request.method, path))
        if request.method not in ("GET", "HEAD") and not path.endswith(QUESTIONS):
            found.written.append((request.method, path))
        if found.break_after is not None and len(found.written) > found.break_after:
            return _hang_up()
        headers = {key: value for key, value in request.headers.items() if key in ("authorization", "content-type")}
        query = f"?{request.url.query}" if request.url.query else ""
        async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.request(request.method, path + query, content=await request.body(), headers=headers)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    for address in serve(Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST", "DELETE"])])):
        found.url = address
        yield found


@pytest.fixture
def client(server: OpenWebUIServer) -> Iterator[OpenWebUI]:
    with connect(server.url, Token(Secret(server.admin_token))) as signed_in:
        yield signed_in


PLUGIN = '''"""
title: Greeting
description: Says hello from main to all
version: 0.1.0
required_open_webui_version: 0.12.0
"""

from pydantic import BaseModel, Field

I18N = {"ja": {"name": "挨拶", "description": "挨拶する", "valves.secret.title": "秘密"}}


class Filter:
    class Valves(BaseModel):
        priority: int = 0
        loudness: int = 1
        secret: str = Field("", max_length=100)

    toggle = True

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(self, body: dict) -> dict:
        return body
'''

MANIFEST = """\
filters:
  - name: sekisho_greeting
    valves:
      secret: ${SEKISHO_IDENTITY_SECRET}
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A plugin folder with one filter, `sekisho_greeting`."""
    folder = tmp_path / "plugins"
    (folder / "filters").mkdir(parents=True)
    (folder / "filters" / "sekisho_greeting.py").write_text(PLUGIN)
    return folder


@pytest.fixture
def manifest_file(tmp_path: Path) -> Path:
    path = tmp_path / "pack.yaml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def options(gateway: FakeGateway, plugins: Path) -> Options:
    return Options(gateway.url, Secret(GATEWAY_KEY), Secret(IDENTITY_SECRET), plugins=plugins)


Sekisho = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sekisho(tmp_path: Path) -> Sekisho:
    """Run the command as people do, without this process's settings."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "install", *map(str, arguments)]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", **environment}
        return subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, timeout=100)

    return run
