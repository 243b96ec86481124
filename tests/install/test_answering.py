"""Read back means it works: for every published model it is the gateway that answers, with the identity headers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from install.errors import Drift, ManifestError
from install.pack.engine.model_check import mark_wrong_answers, wrong_answers
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import ModelEntry, PipeEntry
from tests.fixtures.open_webui import OpenWebUIServer
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, FakeGateway, Pack, Sekisho, serve
from tests.install.test_life import ECHO

GEMMA = Manifest(models=(ModelEntry(name="gemma-3-27b"),))


def connect_too(server: OpenWebUIServer, url: str, *, first: bool, **settings: Any) -> None:
    config = server.request("GET", "/openai/config")
    stored = [config["OPENAI_API_CONFIGS"].get(str(index), {}) for index in range(len(config["OPENAI_API_BASE_URLS"]))]
    at = 0 if first else len(stored)
    for rows, value in (
        (config["OPENAI_API_BASE_URLS"], url),
        (config["OPENAI_API_KEYS"], GATEWAY_KEY),
        (stored, settings),
    ):
        rows.insert(at, value)
    configs = {str(index): each for index, each in enumerate(stored)}
    server.request("POST", "/openai/config/update", {**config, "OPENAI_API_CONFIGS": configs})


@pytest.fixture
def ollama(server: OpenWebUIServer) -> Iterator[None]:
    """A server that has a model of the same name."""
    model = {"name": "gemma-3-27b", "model": "gemma-3-27b", "details": {}, "size": 1}

    async def tags(request: Request) -> Response:
        return JSONResponse({"models": [model] if request.url.path.endswith("tags") else []})

    before = server.request("GET", "/ollama/config")
    routes = [Route("/api/tags", tags), Route("/api/ps", tags)]
    for url in serve(Starlette(routes=routes)):
        there = {"ENABLE_OLLAMA_API": True, "OLLAMA_BASE_URLS": [url], "OLLAMA_API_CONFIGS": {}}
        server.request("POST", "/ollama/config/update", there)
        yield
        server.request("POST", "/ollama/config/update", before)


def test_the_gateway_answers(server: OpenWebUIServer, pack: Pack) -> None:
    plan = pack.apply(Manifest())
    assert wrong_answers(pack.client, plan) == {}
    connect_too(server, "http://127.0.0.1:9/v1", first=True)
    assert wrong_answers(pack.client, pack.plan(Manifest())) == {}


def test_a_connection_to_the_gateway_under_another_address(
    server: OpenWebUIServer, pack: Pack, gateway: FakeGateway
) -> None:
    pack.apply(GEMMA)
    connect_too(server, gateway.url.replace("127.0.0.1", "localhost"), first=True)

    wrong = wrong_answers(pack.client, pack.plan(GEMMA))

    assert wrong["gemma-3-27b"].startswith("the connection http://localhost:")
    assert "without the gateway's identity headers" in wrong["gemma-3-27b"]
    with pytest.raises(Drift, match="model gemma-3-27b: the connection http://localhost"):
        pack.apply(Manifest())


def test_another_connection_with_the_gateways_own_address(
    server: OpenWebUIServer, pack: Pack, gateway: FakeGateway
) -> None:
    pack.apply(GEMMA)
    config = server.request("GET", "/openai/config")
    config["OPENAI_API_CONFIGS"]["0"]["model_ids"] = ["claude-sonnet"]
    server.request("POST", "/openai/config/update", config)
    connect_too(server, gateway.url, first=False)
    assert "without the gateway's identity headers" in wrong_answers(pack.client, pack.plan(GEMMA))["gemma-3-27b"]


def test_a_list_of_models_on_the_connection(server: OpenWebUIServer, pack: Pack) -> None:
    pack.apply(Manifest())
    config = server.request("GET", "/openai/config")
    config["OPENAI_API_CONFIGS"]["0"]["model_ids"] = ["claude-sonnet"]
    server.request("POST", "/openai/config/update", config)

    plan = mark_wrong_answers(pack.client, pack.plan(Manifest()))

    (left,) = plan.blocked
    assert (left.id, str(left.action)) == ("gemma-3-27b", "not answered")
    assert "list of models leaves it out" in left.details[0]


@pytest.mark.usefixtures("ollama")
def test_an_ollama_model_of_the_same_name(pack: Pack) -> None:
    with pytest.raises(Drift, match="gemma-3-27b: an Ollama model of this name answers"):
        pack.apply(GEMMA)
    assert list(wrong_answers(pack.client, pack.plan(Manifest()))) == ["gemma-3-27b"]


def test_a_function_and_a_switched_off_one(
    server: OpenWebUIServer, pack: Pack, plugins: Path, gateway: FakeGateway
) -> None:
    (plugins / "pipes").mkdir()
    (plugins / "pipes" / "sekisho_echo.py").write_text(ECHO)
    manifest = Manifest(models=(), pipes=(PipeEntry(name="sekisho_echo", groups="all"),))
    plan = pack.apply(manifest)
    assert wrong_answers(pack.client, plan) == {}
    server.request("POST", "/api/v1/functions/id/sekisho_echo/toggle")
    assert "switch its function on" in wrong_answers(pack.client, pack.plan(manifest))["sekisho_echo"]

    server.request("POST", "/api/v1/functions/id/sekisho_echo/toggle")
    gateway.models.append({"id": "sekisho_echo", "object": "model"})
    with pytest.raises(ManifestError, match="two entries ask for the model sekisho_echo"):
        pack.plan(Manifest(pipes=manifest.pipes))


@pytest.mark.parametrize("spelled", ["{url}", "{url}/", "{upper}"])
def test_a_connection_entry_with_the_gateways_address_is_refused(
    pack: Pack, gateway: FakeGateway, tmp_path: Path, spelled: str
) -> None:
    url = spelled.format(url=gateway.url, upper=gateway.url.replace("http", "HTTP"))
    path = tmp_path / "own.yaml"
    path.write_text(f'models: all\nconnections: [{{url: "{url}", key: k}}]\n')
    with pytest.raises(ManifestError, match=r"own\.yaml:2: connections: .* is the gateway's address"):
        pack.plan(read_manifest(path))


def test_names_that_functions_share(pack: Pack, tmp_path: Path, plugins: Path) -> None:
    (plugins / "functions").mkdir()
    (plugins / "functions" / "sekisho_greeting.py").write_text("")
    path = tmp_path / "own.yaml"
    path.write_text("filters: [sekisho_greeting]\nfunctions: [sekisho_greeting]\n")
    with pytest.raises(ManifestError, match="two entries ask for the action sekisho_greeting"):
        pack.plan(read_manifest(path))


def test_status_and_apply_tell_it(server: OpenWebUIServer, sekisho: Sekisho, gateway: FakeGateway, manifest_file: Path,
                                  plugins: Path) -> None:  # fmt: skip
    here = ["--url", server.url, "--gateway-url", gateway.url, "--plugins", plugins, "--manifest", manifest_file]
    secrets = {"SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token, "SEKISHO_GATEWAY_KEY": GATEWAY_KEY}
    secrets |= {"SEKISHO_IDENTITY_SECRET": IDENTITY_SECRET}
    assert sekisho("apply", *here, **secrets).returncode == 0
    assert sekisho("status", *here, **secrets).returncode == 0
    connect_too(server, gateway.url.replace("127.0.0.1", "localhost"), first=True)

    looked = sekisho("status", *here, **secrets)
    assert looked.returncode == 3
    assert "the connection http://localhost" in looked.stdout
    again = sekisho("apply", *here, **secrets)
    assert again.returncode == 3
    assert "not answered by the gateway: model claude-sonnet: the connection http://localhost" in again.stderr
