"""Every family of models in Open WebUI: what `sekisho apply` sets, the doctor's probes find at work."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.stack import Stack, until
from tests.fakes.serving import serving
from tests.fixtures.gateway import ADMIN_KEY, IDENTITY_SECRET, deployment, model

_FAMILIES = {"rerank": "orders", "speech": "says", "transcription": "hears", "image": "paints"}
"""Modes, each with the name of a model."""
_MANIFEST = """
models: []
rerank: {model: orders, top_k: 3}
speech: {model: says, voice: alloy}
transcription: {model: hears}
images: {model: paints, size: 1024x1024}
"""
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_MP3 = b"\xff\xfb\x90\x00" + bytes(413)
"""One frame of silence; what is no MP3 Open WebUI converts with ffmpeg."""
_RETRIEVAL = "/api/v1/retrieval/config"
_CHANGED = ("audio.", "image_generation.", "images.")
"""How names of the settings begin that apply changes, besides those of retrieval."""


async def _rerank(request: Request) -> Response:
    body = await request.json()
    results = [{"index": index, "relevance_score": 1 / (index + 1)} for index, _ in enumerate(body["documents"])]
    return JSONResponse({"results": results, "meta": {"billed_units": {"search_units": 1}}})


async def _speak(request: Request) -> Response:
    return Response(_MP3, media_type="audio/mpeg")


async def _hear(request: Request) -> Response:
    return JSONResponse({"text": "A gate on the road."})


async def _paint(request: Request) -> Response:
    return JSONResponse({"created": 1, "data": [{"b64_json": base64.b64encode(_PIXEL).decode()}]})


_VENDOR = Starlette(
    routes=[
        Route("/v1/rerank", _rerank, methods=["POST"]),
        Route("/v1/audio/speech", _speak, methods=["POST"]),
        Route("/v1/audio/transcriptions", _hear, methods=["POST"]),
        Route("/v1/images/generations", _paint, methods=["POST"]),
    ]
)


@pytest.fixture(scope="module")
def families(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The stack with a model of every family, applied; gives the environment of commands."""
    gateway, server = stack.gateway, stack.open_webui
    before, retrieval = gateway.file.read_text(), server.request("GET", _RETRIEVAL)
    exported = server.request("GET", "/api/v1/configs/export")
    settings = {name: value for name, value in exported.items() if name.startswith(_CHANGED)}
    config = YAML(typ="safe").load(before)
    folder = tmp_path_factory.mktemp("families")
    (folder / "pack.yaml").write_text(_MANIFEST)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "SEKISHO_OPEN_WEBUI_URL": server.url,
        "SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token,
        "SEKISHO_GATEWAY_URL": f"{gateway.url}/v1",
        "SEKISHO_IDENTITY_SECRET": IDENTITY_SECRET,
        "SEKISHO_ADMIN_KEY": ADMIN_KEY,
        "SEKISHO_STATE": str(folder / "state"),
    }
    with serving(_VENDOR) as address:
        models = [model(name, deployment(address, name), mode=mode) for mode, name in _FAMILIES.items()]
        gateway.configure({**config, "admin_key": "${ADMIN_KEY}", "models": [*config["models"], *models]})
        probe = gateway.key("families")
        until(lambda: _offered(stack, probe) >= set(_FAMILIES.values()), "the gateway does not offer the models")
        _run(environment, "apply", "--manifest", str(folder / "pack.yaml"))
        yield environment
    server.request("POST", f"{_RETRIEVAL}/update", retrieval)
    server.request("POST", "/api/v1/configs/import", {"config": settings})
    gateway.file.write_text(before)


def _offered(stack: Stack, key: str) -> set[str]:
    """Return the models that the gateway serves now; a changed file is taken up some time later."""
    answer = httpx2.get(f"{stack.gateway.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    return {each["id"] for each in answer.json()["data"]}


def _run(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "install", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
def test_each_familys_way_is_set_and_found_at_work(families: dict[str, str]) -> None:
    others = ("chat", "tools", "title", "tags", "follow-ups", "queries", "pipe", "api key", "embeddings")
    told = json.loads(_run(families, "doctor", "--json", *(part for name in others for part in ("--skip", name))))
    paths: dict[str, Any] = {row["name"]: row for row in told["paths"]}

    found = {name: paths[name]["state"] for name in ("rerank", "speech", "transcription", "images")}
    assert found == dict.fromkeys(found, "attributed"), paths


def test_the_ledger_has_what_each_of_them_used(families: dict[str, str], stack: Stack) -> None:
    rows = {row.model: row for row in stack.gateway.records() if row.model in _FAMILIES.values()}

    assert set(rows) == set(_FAMILIES.values())
    assert {row.outcome for row in rows.values()} == {"ok"}
    assert all(row.user_id for row in rows.values())
