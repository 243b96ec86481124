"""The gateway's hub among Open WebUI's tool servers."""

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from gateway.secret import Secret
from install.errors import InstallError, ManifestError
from install.pack.engine.change import Action
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import McpEntry, ToolEntry
from install.pack.resources.tool_servers import ToolServers, from_record, to_record
from install.pack.resources.tools import Tools
from install.wording import say, speak
from tests.fixtures.open_webui import ADMIN_EMAIL, OpenWebUIServer
from tests.install.conftest import GATEWAY_KEY, FakeGateway, Pack

ONLY_HUB = Manifest(mcp=McpEntry(), models=())


def tool_servers(server: OpenWebUIServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.request("GET", "/api/v1/configs/tool_servers")["TOOL_SERVER_CONNECTIONS"]
    return found


@pytest.fixture(autouse=True)
def _hub(request: pytest.FixtureRequest) -> None:
    if "pack" in request.fixturenames:
        request.getfixturevalue("gateway").hub = True


def theirs(id: str, kind: str = "mcp", **more: Any) -> dict[str, Any]:
    plain = {"url": "http://127.0.0.1:9/mcp", "path": "", "auth_type": "none", "key": "", "headers": None}
    config = {"enable": False, "access_grants": [], "function_name_filter_list": "a,b"}
    return {"type": kind, "forward_cookies": False, **plain, "config": config, "info": {"id": id}, **more}


def test_what_is_not_ours_comes_back_byte_by_byte() -> None:
    grants = [{"principal_type": "group", "principal_id": "a:b", "permission": "read"}]
    connection = theirs("x", own={"deep": [1]}, config={"enable": True, "access_grants": grants, "own": 1})
    assert from_record(to_record(connection)) == connection


def test_short_and_long_forms(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    for text, found in (
        ("mcp: {}", McpEntry()),
        ("mcp: corp", McpEntry(name="corp")),
        ("mcp: {view: dev, groups: [g]}", McpEntry(view="dev", groups=("g",))),
    ):
        path.write_text(text)
        assert read_manifest(path).mcp == found


@pytest.mark.parametrize("name", ["toolong", "a:b", "a|b", "", "a_b"])
def test_ids_that_open_webui_cannot_use_or_that_leave_no_room(name: str, tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(f"models: []\nmcp: {{name: '{name}'}}\n")
    with pytest.raises(ManifestError, match=r"pack.yaml:2: mcp.name"):
        read_manifest(path)


def test_the_hub_is_registered_and_answers(server: OpenWebUIServer, pack: Pack, gateway: FakeGateway) -> None:
    others = [theirs("first"), theirs("hub", "openapi")]
    server.request("POST", "/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": others})
    pack.apply(ONLY_HUB)
    *kept, hub = tool_servers(server)
    assert kept == others
    assert (hub["type"], hub["url"], hub["auth_type"], hub["key"]) == (
        "mcp",
        gateway.url.replace("/v1", "/mcp"),
        "bearer",
        GATEWAY_KEY,
    )
    assert hub["info"]["id"] == "hub"
    assert hub["config"]["access_grants"] == [
        {"principal_type": "user", "principal_id": "*", "permission": "read"},
    ]
    # As Open WebUI asks in a chat.
    gateway.asked_by.clear()
    specs = server.request("GET", "/api/v1/tools/id/server:mcp:hub/specs")["specs"]
    assert [spec["name"] for spec in specs] == ["git__log"]
    asked = gateway.asked_by[-1]
    assert asked["mcp-protocol-version"] == "2026-07-28"
    assert asked["x-sekisho-client"] == "open-webui"
    assert unquote(asked["x-openwebui-user-email"]) == ADMIN_EMAIL
    assert "x-sekisho-task" not in asked

    assert pack.apply(ONLY_HUB).pending == ()
    pack.remove()
    assert tool_servers(server) == others


def test_a_view_and_a_new_key_are_upgrades(server: OpenWebUIServer, pack: Pack, gateway: FakeGateway) -> None:
    pack.apply(ONLY_HUB)
    gateway.keys.add("sk-new-key")
    options = dataclasses.replace(pack.options, gateway_key=Secret("sk-new-key"))
    plan = pack.apply(ONLY_HUB, options)
    assert {(change.kind, change.action) for change in plan.pending} == {
        ("tool server", Action.UPGRADE),
        ("connection", Action.UPGRADE),
    }
    assert not [line for change in plan.changes for line in change.details if "sk-new" in line]
    pack.rollback()
    assert tool_servers(server)[-1]["key"] == GATEWAY_KEY


def test_somebody_elses_hub_is_left_alone(server: OpenWebUIServer, pack: Pack) -> None:
    others = [theirs("hub")]
    server.request("POST", "/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": others})
    [change] = [change for change in pack.plan(ONLY_HUB).changes if change.kind == ToolServers.name]
    assert change.action is Action.FOREIGN
    assert change.blocked
    forced: Options = dataclasses.replace(pack.options, force=True)
    pack.apply(ONLY_HUB, forced)
    pack.remove()
    assert tool_servers(server) == others


def test_a_gateway_without_tool_servers_is_not_registered(
    server: OpenWebUIServer, pack: Pack, gateway: FakeGateway
) -> None:
    gateway.hub = False
    before = tool_servers(server)
    with pytest.raises(InstallError, match=r"no tools at .*/mcp: configure `mcp`"):
        pack.apply(ONLY_HUB)
    assert tool_servers(server) == before


def test_the_usual_pack_has_the_hub_where_the_gateway_has_one(
    server: OpenWebUIServer, pack: Pack, gateway: FakeGateway
) -> None:
    usual = ONLY_HUB.model_copy(update={"mcp": read_manifest().mcp, "tools": read_manifest().tools})
    gateway.hub = False
    kinds = (ToolServers.name, Tools.name)
    bundled = dataclasses.replace(pack.options, plugins=None)
    assert [change for change in pack.plan(usual, bundled).changes if change.kind in kinds] == []
    gateway.hub = True
    pack.apply(usual, bundled)
    assert [each["info"]["id"] for each in tool_servers(server)] == ["hub"]
    assert grants_of_the_tool(server) == [("user", "*", "read")]
    # Away for a moment: nothing is taken away.
    gateway.hub = False
    assert pack.apply(usual, bundled).pending == ()
    assert [each["info"]["id"] for each in tool_servers(server)] == ["hub"]
    assert grants_of_the_tool(server) == [("user", "*", "read")]


def grants_of_the_tool(server: OpenWebUIServer) -> list[tuple[str, str, str]]:
    row = server.request("GET", "/api/v1/tools/id/mcp")
    return [(each["principal_type"], each["principal_id"], each["permission"]) for each in row["access_grants"]]


def test_the_tool_is_for_who_may_use_the_hub(server: OpenWebUIServer, pack: Pack) -> None:
    group = server.request("POST", "/api/v1/groups/create", {"name": "engineers", "description": ""})["id"]
    engineers, bundled = McpEntry(groups=("engineers",)), dataclasses.replace(pack.options, plugins=None)
    try:
        pack.apply(Manifest(mcp=engineers, tools=(ToolEntry(name="mcp"),), models=()), bundled)
        assert grants_of_the_tool(server) == [("group", group, "read")]
        assert server.request("GET", "/api/v1/tools/id/mcp")["meta"]["i18n"]["ja-JP"]["name"] == "プロンプトと資料"
    finally:
        pack.remove()
        server.request("DELETE", f"/api/v1/groups/id/{group}/delete")


def test_the_reason_is_told_in_japanese() -> None:
    speak("ja")
    try:
        text = "no tools at {url}: configure `mcp` in the gateway, and check --gateway-url and the key"
        assert "ツールが見つかりません" in say(text, url="u")
    finally:
        speak("en")
