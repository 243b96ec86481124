"""The pack in a real Open WebUI, through the installer's functions."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gateway.secret import Secret
from install.errors import GatewayError, InstallError
from install.pack.engine.change import Action, Plan
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import ModelEntry
from install.pack.resources.connections import IDENTITY_HEADERS
from install.pack.resources.services import REINDEX
from tests.fixtures.open_webui import OpenWebUIServer, free_port
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, FakeGateway, Pack, state_of, writes


@pytest.fixture
def manifest(manifest_file: Path) -> Manifest:
    return read_manifest(manifest_file)


def function(server: OpenWebUIServer, name: str = "sekisho_greeting") -> Any:
    rows = server.request("GET", "/api/v1/functions/export?include_valves=true")
    return next(row for row in rows if row["id"] == name)


def row(server: OpenWebUIServer, name: str) -> Any:
    return next(row for row in server.request("GET", "/api/v1/models/all") if row["id"] == name)


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(change.kind, change.action) for change in plan.changes]


def save_by_hand(server: OpenWebUIServer, content: str) -> None:
    """As the editor in the browser does: name, meta and the new text."""
    stored = function(server)
    form = {key: stored[key] for key in ("id", "name", "meta")} | {"content": content}
    server.request("POST", "/api/v1/functions/id/sekisho_greeting/update", form)


def test_first_apply_creates_everything(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, gateway: FakeGateway
) -> None:
    plan = pack.apply(manifest)

    assert steps(plan) == [
        ("filter", "new"),
        ("connection", "new"),
        ("model", "new"),
        ("model", "new"),
        ("setting", "unchanged"),
    ]
    config = server.request("GET", "/openai/config")
    assert config["OPENAI_API_BASE_URLS"] == [gateway.url]
    assert config["OPENAI_API_KEYS"] == [GATEWAY_KEY]
    settings = config["OPENAI_API_CONFIGS"]["0"]
    assert settings["headers"] == IDENTITY_HEADERS
    assert settings["tags"] == [{"name": "sekisho"}]

    stored = function(server)
    assert stored["type"] == "filter"
    assert (stored["is_active"], stored["is_global"]) == (True, True)
    assert stored["valves"] == {"secret": IDENTITY_SECRET}
    assert stored["meta"]["toggle"] is True
    assert stored["meta"]["sekisho"]["version"] == "0.1.0"
    assert stored["meta"]["i18n"]["ja"]["name"] == "挨拶"
    assert "from open_webui.main" in stored["content"]

    claude = row(server, "claude-sonnet")
    assert claude["meta"]["description"] == "Long documents"
    assert claude["meta"]["capabilities"]["usage"] is True
    assert row(server, "gemma-3-27b")["name"] == "Gemma 3"


def test_users_see_the_chat_models_afterwards(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options
) -> None:
    token = server.create_user("Hanako", f"hanako{free_port()}@example.com", "a-good-password-1")
    assert server.request("GET", "/api/models", token=token)["data"] == []

    pack.apply(manifest)

    seen = server.request("GET", "/api/models", token=token)["data"]
    assert {model["id"] for model in seen} == {"claude-sonnet", "gemma-3-27b"}


def test_second_apply_changes_nothing(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options
) -> None:
    pack.apply(manifest)
    before, written = state_of(server), writes(server)
    assert written > 0

    plan = pack.plan(manifest)
    pack.carry_out(plan)

    assert plan.pending == ()
    assert state_of(server) == before
    assert writes(server) == written


def test_plan_changes_nothing(server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options) -> None:
    before, written = state_of(server), writes(server)

    assert pack.plan(manifest).pending

    assert state_of(server) == before
    assert writes(server) == written


OTHERS = {
    "ENABLE_OPENAI_API": True,
    "OPENAI_API_BASE_URLS": ["http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"],
    "OPENAI_API_KEYS": ["sk-other-one", "sk-other-two"],
    "OPENAI_API_CONFIGS": {
        "0": {"enable": False, "headers": {"X-Own": "1"}, "model_ids": ["m"], "prefix_id": "p"},
        "1": {"enable": False, "tags": [{"name": "theirs"}]},
    },
}

FOREIGN = '"""\ntitle: Theirs\n"""\n\n\nclass Filter:\n    pass\n'


def test_what_others_made_survives(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, gateway: FakeGateway
) -> None:
    server.request("POST", "/openai/config/update", OTHERS)
    server.request(
        "POST",
        "/api/v1/functions/create",
        {"id": "sekisho_theirs", "name": "Theirs", "content": FOREIGN, "meta": {"description": "d"}},
    )
    grants = [{"principal_type": "user", "principal_id": "someone", "permission": "read"}]
    theirs = {"name": "My name", "params": {"temperature": 0.1}, "meta": {"own": 1}, "access_grants": grants}
    for name in ("sekisho-unrelated", "claude-sonnet"):
        server.request("POST", "/api/v1/models/create", {"id": name, **theirs})
    before = state_of(server)

    pack.apply(manifest)

    after = state_of(server)
    assert after.settings["openai.api_base_urls"] == [*OTHERS["OPENAI_API_BASE_URLS"], gateway.url]  # type: ignore[misc]
    assert after.settings["openai.api_keys"][:2] == OTHERS["OPENAI_API_KEYS"]
    assert {i: after.settings["openai.api_configs"][i] for i in "01"} == OTHERS["OPENAI_API_CONFIGS"]
    assert [f for f in before.functions if f not in after.functions] == []
    assert row(server, "sekisho-unrelated") == next(m for m in before.models if m["id"] == "sekisho-unrelated")
    mine = row(server, "claude-sonnet")
    was = next(m for m in before.models if m["id"] == "claude-sonnet")
    assert {k: mine[k] for k in ("name", "params", "access_grants")} == {
        k: was[k] for k in ("name", "params", "access_grants")
    }
    assert mine["meta"]["own"] == 1


def test_own_valves_of_the_administrator_survive_and_edited_ones_need_force(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options
) -> None:
    pack.apply(manifest)
    path = "/api/v1/functions/id/sekisho_greeting/valves/update"
    server.request("POST", path, {"loudness": 9, "secret": "changed by hand"})

    (kept,) = pack.apply(manifest).blocked
    assert (kept.action, kept.details) == (Action.EDITED_BY_HAND, ("valve secret: edited by hand",))
    assert function(server)["valves"] == {"loudness": 9, "secret": "changed by hand"}

    pack.apply(manifest, dataclasses.replace(options, force=True))
    assert function(server)["valves"] == {"loudness": 9, "secret": IDENTITY_SECRET}


def test_a_new_version_is_an_update(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, plugins: Path
) -> None:
    pack.apply(manifest)
    path = plugins / "filters" / "sekisho_greeting.py"
    path.write_text(path.read_text().replace("0.1.0", "0.2.0"))

    plan = pack.apply(manifest)

    (update,) = plan.pending
    assert update.details == ("version 0.1.0 → 0.2.0", "lines: 1 added, 1 removed")
    assert "-version: 0.1.0" in update.diff
    assert "+version: 0.2.0" in update.diff
    stored = function(server)
    assert stored["meta"]["manifest"]["version"] == "0.2.0"
    assert (stored["is_active"], stored["is_global"]) == (True, True)
    assert stored["valves"] == {"secret": IDENTITY_SECRET}


def test_hand_edits_need_force(server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options) -> None:
    pack.apply(manifest)
    edited = function(server)["content"] + "\n# mine\n"
    save_by_hand(server, edited)

    plan = pack.apply(manifest)
    assert [change.action for change in plan.blocked] == [Action.EDITED_BY_HAND]
    assert function(server)["content"] == edited

    pack.apply(manifest, dataclasses.replace(options, force=True))
    assert "# mine" not in function(server)["content"]


def test_a_foreign_function_with_our_name_needs_force(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options
) -> None:
    form = {"id": "sekisho_greeting", "name": "Theirs", "content": FOREIGN, "meta": {"description": ""}}
    server.request("POST", "/api/v1/functions/create", form)

    plan = pack.apply(manifest)
    assert [change.action for change in plan.blocked] == [Action.FOREIGN]
    assert function(server)["content"] == FOREIGN

    pack.apply(manifest, dataclasses.replace(options, force=True))
    stored = function(server)
    assert stored["name"] == "Theirs"
    assert stored["is_active"] is True


@pytest.mark.parametrize("toggle", ["toggle", "toggle/global"])
def test_a_switch_turned_by_hand_needs_force(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, toggle: str
) -> None:
    pack.apply(manifest)
    server.request("POST", f"/api/v1/functions/id/sekisho_greeting/{toggle}")

    (kept,) = pack.apply(manifest).blocked
    assert "edited by hand" in kept.details[0]

    pack.apply(manifest, dataclasses.replace(options, force=True))
    stored = function(server)
    assert (stored["is_active"], stored["is_global"]) == (True, True)


def test_a_rotated_key_is_written_and_the_known_key_is_enough_for_status(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, gateway: FakeGateway
) -> None:
    gateway.keys.add("sk-new")
    pack.apply(manifest)

    (update,) = pack.apply(manifest, dataclasses.replace(options, gateway_key=Secret("sk-new"))).pending

    assert (update.action, update.details) == (Action.UPGRADE, ("key: ***",))
    assert server.request("GET", "/openai/config")["OPENAI_API_KEYS"] == ["sk-new"]
    assert pack.plan(manifest, dataclasses.replace(options, gateway_key=None)).pending == ()
    gateway.keys.remove("sk-new")
    with pytest.raises(GatewayError, match="refuses the key"):
        pack.plan(manifest, dataclasses.replace(options, gateway_key=None))


def test_models_withdrawn_by_an_administrator_stay_withdrawn(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options
) -> None:
    pack.apply(manifest)
    body = {"id": "claude-sonnet", "access_grants": []}
    server.request("POST", "/api/v1/models/model/access/update", body)
    server.request("POST", "/api/v1/models/model/toggle?id=gemma-3-27b")

    plan = pack.plan(manifest)

    assert plan.pending == ()


def test_groups_follow_the_manifest_and_others_stay(server: OpenWebUIServer, pack: Pack) -> None:
    entry = ModelEntry(name="claude-sonnet", groups=("sekisho-lab",))
    with pytest.raises(InstallError, match="sekisho-lab"):
        pack.plan(Manifest(models=(entry,)))
    group = server.request("POST", "/api/v1/groups/create", {"name": "sekisho-lab", "description": ""})

    def readers() -> set[tuple[str, str]]:
        return {(g["principal_type"], g["principal_id"]) for g in row(server, "claude-sonnet")["access_grants"]}

    pack.apply(Manifest(models=(entry,)))
    assert readers() == {("group", group["id"])}
    mine = {"principal_type": "user", "principal_id": "someone", "permission": "read"}
    grants = [*row(server, "claude-sonnet")["access_grants"], mine]
    body = {"id": "claude-sonnet", "access_grants": grants}
    server.request("POST", "/api/v1/models/model/access/update", body)

    pack.apply(Manifest(models=(ModelEntry(name="claude-sonnet"),)))
    assert readers() == {("user", "*"), ("user", "someone")}


def test_embeddings_only_when_asked_for(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, gateway: FakeGateway
) -> None:
    before = server.request("GET", "/api/v1/retrieval/embedding")
    pack.apply(manifest)
    assert server.request("GET", "/api/v1/retrieval/embedding") == before

    wanted = dataclasses.replace(options, embedding_model="e5-small")
    (update,) = pack.apply(manifest, wanted).pending
    assert GATEWAY_KEY not in " ".join(update.details)
    assert update.details[-1] == REINDEX
    after = server.request("GET", "/api/v1/retrieval/embedding")
    assert after["openai_config"] == {"url": gateway.url, "key": GATEWAY_KEY}
    assert after["RAG_EMBEDDING_BATCH_SIZE"] == before["RAG_EMBEDDING_BATCH_SIZE"]
    assert pack.plan(manifest, wanted).pending == ()


def test_a_prefixed_connection_publishes_prefixed_models(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, options: Options, gateway: FakeGateway
) -> None:
    config = {
        "ENABLE_OPENAI_API": False,
        "OPENAI_API_BASE_URLS": [f"{gateway.url}/"],
        "OPENAI_API_KEYS": [GATEWAY_KEY],
        "OPENAI_API_CONFIGS": {"0": {"enable": True, "prefix_id": "gw", "headers": {"X-Own": "1"}}},
    }
    server.request("POST", "/openai/config/update", config)

    plan = pack.apply(manifest)

    assert {change.id for change in plan.pending if change.kind == "model"} == {
        "gw.claude-sonnet",
        "gw.gemma-3-27b",
    }
    after = server.request("GET", "/openai/config")
    assert after["ENABLE_OPENAI_API"] is True
    assert after["OPENAI_API_BASE_URLS"] == [gateway.url]
    assert after["OPENAI_API_CONFIGS"]["0"]["headers"] == {"X-Own": "1", **IDENTITY_HEADERS}


def test_the_gateway_down_or_refusing_is_told_apart(pack: Pack, manifest: Manifest, options: Options) -> None:
    with pytest.raises(GatewayError, match="gateway-url"):
        pack.plan(manifest, dataclasses.replace(options, gateway_url=f"http://127.0.0.1:{free_port()}/v1"))
    with pytest.raises(GatewayError, match="keys create"):
        pack.plan(manifest, dataclasses.replace(options, gateway_key=Secret("sk-wrong")))


def test_a_model_the_gateway_lacks_is_named(pack: Pack, options: Options) -> None:
    with pytest.raises(GatewayError, match=r"gpt-9.*claude-sonnet, gemma-3-27b"):
        pack.plan(Manifest(models=(ModelEntry(name="gpt-9"),)))


def test_a_refused_valve_is_not_repeated(pack: Pack, manifest: Manifest, options: Options) -> None:
    long = "x" * 101
    with pytest.raises(InstallError, match=r"filter sekisho_greeting: .*valves") as refused:
        pack.apply(manifest, dataclasses.replace(options, identity_secret=Secret(long)))
    assert "xxx" not in str(refused.value)
