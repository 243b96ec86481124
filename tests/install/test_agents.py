"""Agents of the manifest in a real Open WebUI: in the menu of those who may ask them, and answering."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.preflight import load
from install.errors import GatewayError, ManifestError
from install.pack.engine.change import Action
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from tests.fakes.agent import ANSWER, FakeAgent
from tests.fakes.serving import serving
from tests.fixtures.open_webui import OpenWebUIServer
from tests.fixtures.plugin_host import ROOT
from tests.install.conftest import IDENTITY_SECRET, FakeGateway, Pack, content_of

pytestmark = pytest.mark.timeout(400)

KEY = "key-of-the-personnel-desk"
GROUP = "人事部"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
MANIFEST = f"""
models: []
default_model: gemma-3-27b
agents:
  - name: personnel
    title: 人事案内
    icon: 🏖
    image: {PIXEL}
    description: 就業規則についてお答えします
    url: ${{AGENT_URL}}
    key: ${{AGENT_KEY}}
    model: chat
    files: text
    groups: [{GROUP}]
  - name: team/finder
"""


@pytest.fixture
def agent() -> Iterator[tuple[FakeAgent, str]]:
    fake = FakeAgent(KEY)
    with serving(fake) as address:
        yield fake, f"{address}/v1"


@pytest.fixture
def options(options: Options, agent: tuple[FakeAgent, str]) -> Options:
    return dataclasses.replace(options, plugins=ROOT, environment={"AGENT_URL": agent[1], "AGENT_KEY": KEY})


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return written(tmp_path, MANIFEST)


def written(folder: Path, text: str) -> Manifest:
    path = folder / "agents.yaml"
    path.write_text(text, encoding="utf-8")
    return read_manifest(path)


@pytest.fixture(scope="module")
def people(open_webui: OpenWebUIServer) -> Iterator[dict[str, str]]:
    """Tokens: mari is in the group, ken is not."""
    tokens = {
        name: open_webui.create_user(name, f"{name}@agents.example.com", "hiraku-goma-2") for name in ("mari", "ken")
    }
    ids = {name: open_webui.request("GET", "/api/v1/auths/", token=token)["id"] for name, token in tokens.items()}
    group = open_webui.request("POST", "/api/v1/groups/create", {"name": GROUP, "description": ""})["id"]
    open_webui.request("POST", f"/api/v1/groups/id/{group}/users/add", {"user_ids": [ids["mari"]]})
    yield tokens
    open_webui.request("DELETE", f"/api/v1/groups/id/{group}/delete")
    for id in ids.values():
        open_webui.request("DELETE", f"/api/v1/users/{id}")


def menu(server: OpenWebUIServer, token: str) -> dict[str, Any]:
    return {model["id"]: model for model in server.request("GET", "/api/models?refresh=true", token=token)["data"]}


def test_agents_come_with_readers_description_and_picture_and_answer(
    server: OpenWebUIServer,
    pack: Pack,
    manifest: Manifest,
    gateway: FakeGateway,
    people: dict[str, str],
    agent: tuple[FakeAgent, str],
) -> None:
    gateway.models.append({"id": "team/finder", "object": "model", "mode": "agent", "description": "Finds people"})
    before = content_of(server)

    pack.apply(manifest)

    mine, theirs = (menu(server, people[name]) for name in ("mari", "ken"))
    assert "agents.personnel" not in theirs
    assert mine["agents.personnel"]["name"] == "🏖 人事案内"
    meta = mine["agents.personnel"]["info"]["meta"]
    assert meta["description"] == "就業規則についてお答えします"
    assert meta["capabilities"]["file_context"] is False
    row = server.request("GET", "/api/v1/models/model?id=agents.personnel")
    assert row["meta"]["profile_image_url"] == PIXEL
    assert theirs["agents.team-finder"]["info"]["meta"]["description"] == "Finds people"
    valves = server.request("GET", "/api/v1/functions/id/agents/valves")
    assert json.loads(valves["keys"]) == {"personnel": KEY}
    assert (valves["gateway_url"], valves["identity_secret"]) == (gateway.url, IDENTITY_SECRET)

    assert server.request("GET", "/api/v1/configs/export")["ui.default_models"] == "gemma-3-27b"

    question = {"model": "agents.personnel", "messages": [{"role": "user", "content": "休暇は?"}], "stream": False}
    answer = server.request("POST", "/api/chat/completions", question, token=people["mari"])
    assert answer["choices"][0]["message"]["content"] == "".join(ANSWER)
    assert agent[0].asked[-1].headers["authorization"] == f"Bearer {KEY}"

    assert pack.apply(manifest).pending == ()
    pack.remove()
    assert content_of(server) == before


def test_what_an_administrator_switched_off_stays_off(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, gateway: FakeGateway, people: dict[str, str]
) -> None:
    gateway.models.append({"id": "team/finder", "object": "model", "mode": "agent"})
    pack.apply(manifest)
    server.request("POST", "/api/v1/models/model/toggle?id=agents.team-finder", {})
    plan = pack.apply(manifest)
    [kept] = [change for change in plan.changes if change.id == "agents.team-finder"]
    assert (kept.action, kept.details) == (Action.UNCHANGED, ("switched off by an administrator: kept",))


def test_a_key_is_never_shown(pack: Pack, manifest: Manifest, gateway: FakeGateway, people: dict[str, str]) -> None:
    gateway.models.append({"id": "team/finder", "object": "model", "mode": "agent"})
    plan = pack.plan(manifest)
    assert KEY not in str([change.details for change in plan.changes])


def test_an_agent_that_the_gateway_lacks_is_named(pack: Pack, manifest: Manifest, people: dict[str, str]) -> None:
    with pytest.raises(GatewayError, match=r"agents\.yaml:15: agents\.1: .* the model team/finder"):
        pack.plan(manifest)


def test_a_missing_variable_is_named(pack: Pack, tmp_path: Path) -> None:
    manifest = written(tmp_path, "agents:\n  - name: a\n    url: http://a/v1\n    key: ${NOBODY_SET_IT}\n")
    with pytest.raises(ManifestError, match=r"agents\.yaml:4: agents\.0\.key: NOBODY_SET_IT is not set"):
        pack.plan(manifest)


def test_what_only_a_direct_agent_has_is_refused_for_others(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="files: for agents with a url"):
        written(tmp_path, "agents: [{name: a, files: text}]\n")


@pytest.mark.parametrize("guide", ["agents.md", "agents.ja.md"])
def test_the_guide_s_files_are_right(tmp_path: Path, guide: str) -> None:
    pack, gateway = (
        part.split("```")[0] for part in (ROOT / "docs" / guide).read_text(encoding="utf-8").split("```yaml\n")[1:]
    )
    assert [agent.name for agent in written(tmp_path, pack).agents] == ["personnel", "finder"]
    (tmp_path / "sekisho.yaml").write_text(
        gateway + "open_webui: {identity_secret: an-identity-secret-of-the-tests-0123}\n"
    )
    [model] = load(tmp_path / "sekisho.yaml", {"FINDER_KEY": "k"}).config.models
    assert (model.mode, model.deployments[0].identity) == ("agent", "all")


def test_a_pipe_that_is_a_model_is_published(
    server: OpenWebUIServer, pack: Pack, tmp_path: Path, people: dict[str, str]
) -> None:
    before = content_of(server)
    text = f"models: []\npipes:\n  - {{name: document_search, title: 文書検索, groups: [{GROUP}]}}\n  - agents\n"
    pack.apply(written(tmp_path, text))
    assert menu(server, people["mari"])["document_search"]["name"] == "文書検索"
    assert "document_search" not in menu(server, people["ken"])
    assert pack.apply(written(tmp_path, text)).pending == ()
    pack.apply(written(tmp_path, text.replace(f"[{GROUP}]", "all")))
    assert "document_search" in menu(server, people["ken"])
    pack.remove()
    assert content_of(server) == before
