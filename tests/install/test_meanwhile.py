"""Two at once: what somebody makes or changes between plan and apply is theirs."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.secret import Secret
from install.errors import InstallError
from install.open_webui import Token, connect
from install.pack.engine.receipts import Receipts
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import BannerEntry, PromptEntry
from tests.fixtures.open_webui import OpenWebUIServer
from tests.install.conftest import IDENTITY_SECRET, PLUGIN, FakeGateway, Pack, content_of
from tests.install.test_life import BUTTON, CLOCK, FOREIGN, create


@pytest.fixture
def manifest(manifest_file: Path, plugins: Path) -> Manifest:
    for kind, name, text in (("functions", "button", BUTTON), ("tools", "clock", CLOCK)):
        (plugins / kind).mkdir()
        (plugins / kind / f"sekisho_{name}.py").write_text(text)
    manifest_file.write_text(manifest_file.read_text() + "functions: [sekisho_button]\ntools: [sekisho_clock]\n")
    return read_manifest(manifest_file)


def functions(server: OpenWebUIServer) -> dict[str, Any]:
    return {row["id"]: row for row in server.request("GET", "/api/v1/functions/export?include_valves=true")}


def test_a_function_made_since_the_plan_stays(server: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    plan = pack.plan(manifest)
    create(server, "functions", "sekisho_greeting", FOREIGN)
    create(server, "tools", "sekisho_clock", CLOCK.replace("noon", "midnight"))

    with pytest.raises(InstallError, match="since the plan: filter sekisho_greeting, tool sekisho_clock"):
        pack.carry_out(plan)

    assert functions(server)["sekisho_greeting"]["content"] == FOREIGN
    assert "midnight" in server.request("GET", "/api/v1/tools/id/sekisho_clock")["content"]
    assert functions(server)["sekisho_button"]["is_active"] is True
    pack.rollback()
    pack.remove()
    assert functions(server)["sekisho_greeting"]["content"] == FOREIGN
    assert "midnight" in server.request("GET", "/api/v1/tools/id/sekisho_clock")["content"]


def test_our_own_plugin_from_another_machine_stays_too(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, tmp_path: Path
) -> None:
    plan = pack.plan(manifest)
    dataclasses.replace(pack, receipts=Receipts(tmp_path / "elsewhere")).apply(manifest)
    before = content_of(server)

    with pytest.raises(InstallError, match="changed it since the plan"):
        pack.carry_out(plan)

    assert content_of(server) == before
    assert pack.apply(manifest).pending == ()


def test_what_was_changed_since_the_plan_is_not_written_over(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, plugins: Path, gateway: FakeGateway
) -> None:
    pack.apply(manifest)
    path = plugins / "filters" / "sekisho_greeting.py"
    path.write_text(PLUGIN.replace("0.1.0", "0.2.0"))
    gateway.models[0] = {**gateway.models[0], "description": "Another"}
    plan = pack.plan(manifest)
    assert {change.id for change in plan.pending} == {"sekisho_greeting", "claude-sonnet"}
    server.request("POST", "/api/v1/functions/id/sekisho_greeting/valves/update", {"loudness": 3})
    row = next(row for row in server.request("GET", "/api/v1/models/all") if row["id"] == "claude-sonnet")
    server.request("POST", "/api/v1/models/model/update", {**row, "params": {"system": "Rhyme."}})
    before = content_of(server)

    with pytest.raises(InstallError, match="since the plan: filter sekisho_greeting, model claude-sonnet"):
        pack.carry_out(plan)

    assert content_of(server) == before
    gateway.models[0] = {**gateway.models[0], "description": "Long documents"}


def test_what_was_changed_since_the_plan_is_not_taken_away(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest
) -> None:
    pack.apply(manifest)
    plan = pack.plan(Manifest(models=manifest.models))
    server.request("POST", "/api/v1/functions/id/sekisho_greeting/valves/update", {"loudness": 3, "secret": "mine"})

    with pytest.raises(InstallError, match="since the plan: filter sekisho_greeting"):
        pack.carry_out(plan)

    assert functions(server)["sekisho_greeting"]["valves"] == {"loudness": 3, "secret": "mine"}


def test_rows_and_texts_made_since_the_plan_stay(server: OpenWebUIServer, pack: Pack, gateway: FakeGateway) -> None:
    ours = Manifest(
        banners=(BannerEntry(id="hello", content="ours"),),
        prompts=(PromptEntry(command="hello", name="Ours", content="ours"),),
    )
    plan = pack.plan(ours)
    form = {"name": "Mine", "params": {"system": "Rhyme."}, "meta": {}, "access_grants": []}
    server.request("POST", "/api/v1/models/create", {"id": "claude-sonnet", **form})
    prompt = {"command": "hello", "name": "Theirs", "content": "theirs", "access_grants": []}
    server.request("POST", "/api/v1/prompts/create", prompt)
    banner = {"id": "hello", "type": "info", "content": "theirs", "dismissible": True, "timestamp": 1}
    connections = {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": [gateway.url],
        "OPENAI_API_KEYS": ["sk-theirs"],
        "OPENAI_API_CONFIGS": {"0": {"enable": False, "headers": {"X-Own": "1"}}},
    }
    server.request("POST", "/openai/config/update", connections)
    server.request("POST", "/api/v1/configs/import", {"config": {"ui.banners": [banner]}})

    with pytest.raises(InstallError, match="changed it since the plan") as left:
        pack.carry_out(plan)

    assert all(
        name in str(left.value) for name in ("connection ", "model claude-sonnet", "prompt hello", "banner hello")
    )
    assert server.request("GET", "/openai/config") == connections
    pack.remove()
    row = next(row for row in server.request("GET", "/api/v1/models/all") if row["id"] == "claude-sonnet")
    assert row["params"] == {"system": "Rhyme."}
    assert server.request("GET", "/api/v1/configs/export")["ui.banners"] == [banner]
    assert [row["content"] for row in server.request("GET", "/api/v1/prompts/")] == ["theirs"]


def test_a_plugin_that_cannot_be_made_leaves_nothing(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, plugins: Path
) -> None:
    (plugins / "filters" / "sekisho_greeting.py").write_text(PLUGIN.replace("class Filter", "class Nothing"))
    with pytest.raises(InstallError, match="does not take filter sekisho_greeting"):
        pack.apply(manifest)
    assert "sekisho_greeting" not in functions(server)
    assert ("filter", "sekisho_greeting") not in pack.receipts.known()


def test_two_administrators_at_the_same_moment(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, tmp_path: Path
) -> None:
    unexpected: list[BaseException] = []
    start = threading.Barrier(2)

    def install(receipts: Receipts) -> None:
        with connect(server.url, Token(Secret(server.admin_token))) as client:
            own = dataclasses.replace(pack, client=client, receipts=receipts)
            plan = own.plan(manifest)
            start.wait(30)
            try:
                own.carry_out(plan)
            except InstallError as error:
                if "since the plan" not in str(error):
                    unexpected.append(error)

    both = [threading.Thread(target=install, args=(Receipts(tmp_path / name),)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(120)

    assert unexpected == []
    found = functions(server)
    assert {"sekisho_greeting", "sekisho_button"} <= found.keys()
    for name in ("one", "two"):
        assert dataclasses.replace(pack, receipts=Receipts(tmp_path / name)).apply(manifest).blocked == ()
    stored = functions(server)["sekisho_greeting"]
    assert (stored["is_active"], stored["valves"]) == (True, {"secret": IDENTITY_SECRET})
