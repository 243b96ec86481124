"""A shared Open WebUI that is put back as it was after every test, and a gateway that only lists models."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.secret import Secret
from install.open_webui import OpenWebUI, Token, connect
from install.pack.desired import Options
from tests.fixtures.open_webui import OpenWebUIServer, free_port

GATEWAY_KEY = "sk-gateway-key-for-tests"
IDENTITY_SECRET = "identity-secret-for-tests-0123456789"

MODELS: list[dict[str, Any]] = [
    {"id": "claude-sonnet", "object": "model", "mode": "chat", "description": "Long documents"},
    {"id": "gemma-3-27b", "object": "model", "name": "Gemma 3"},
    {"id": "e5-small", "object": "model", "mode": "embedding"},
]


@dataclass
class FakeGateway:
    url: str
    models: list[dict[str, Any]] = field(default_factory=lambda: list(MODELS))


def serve(app: Starlette) -> Iterator[str]:
    """Run an ASGI app on a real socket; yields its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
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
        if request.headers.get("authorization") != f"Bearer {GATEWAY_KEY}":
            return JSONResponse({"error": {"message": "unknown key"}}, 401)
        return JSONResponse({"object": "list", "data": fake.models})

    fake = FakeGateway("")
    for address in serve(Starlette(routes=[Route("/v1/models", models)])):
        fake.url = f"{address}/v1"
        yield fake


@dataclass
class State:
    """Everything the installer may write, as Open WebUI reports it."""

    connections: Any
    functions: Any
    models: Any
    embedding: Any


def state_of(server: OpenWebUIServer) -> State:
    return State(
        server.request("GET", "/openai/config"),
        server.request("GET", "/api/v1/functions/export?include_valves=true"),
        server.request("GET", "/api/v1/models/all"),
        server.request("GET", "/api/v1/retrieval/embedding"),
    )


@pytest.fixture
def server(open_webui: OpenWebUIServer) -> Iterator[OpenWebUIServer]:
    before = state_of(open_webui)
    yield open_webui
    after = state_of(open_webui)
    for function in _added(before.functions, after.functions):
        open_webui.request("DELETE", f"/api/v1/functions/id/{function}/delete")
    for model in _added(before.models, after.models):
        open_webui.request("POST", "/api/v1/models/model/delete", {"id": model})
    open_webui.request("POST", "/openai/config/update", before.connections)
    if after.embedding != before.embedding:
        open_webui.request("POST", "/api/v1/retrieval/embedding/update", before.embedding)


def _added(before: Any, after: Any) -> set[str]:
    return {row["id"] for row in after} - {row["id"] for row in before}


def writes(server: OpenWebUIServer) -> int:
    """How many changing requests Open WebUI has logged; asking a connection for its models changes nothing."""
    lines = server.log.read_text(errors="replace").splitlines()
    harmless = ("/openai/verify", "/auths/signin")
    return sum('"POST /' in line and not any(path in line for path in harmless) for line in lines)


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
