"""From a server that others have been using, through every verb, back to exactly that server."""

import dataclasses
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.secret import Secret
from install.errors import InstallError, OpenWebUIError
from install.open_webui import Token, connect
from install.pack.engine.apply import carry_out
from install.pack.engine.change import Action, Change
from install.pack.engine.plan import make_plan
from install.pack.engine.receipts import Receipts
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from tests.fixtures.open_webui import OpenWebUIServer, start
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, PLUGIN, FakeGateway, Pack, Relay, content_of

EVERYTHING = """\
connection:
  headers: {X-Company: "${COMPANY}"}
connections:
  - {url: "http://127.0.0.1:9/v1", key: "${OTHER_KEY}", prefix: other, enabled: false}
models:
  - {name: claude-sonnet, title: Claude, description: Our best, groups: [life-lab]}
  - gemma-3-27b
default_filters: [sekisho_greeting]
filters:
  - name: sekisho_greeting
    valves: {secret: "${SEKISHO_IDENTITY_SECRET}", loudness: 7}
functions: [sekisho_button]
pipes: [sekisho_echo]
tools:
  - {name: sekisho_clock, groups: [life-lab], valves: {zone: JST}}
mcp: {name: hub, groups: [life-lab]}
embeddings: {model: e5-small, batch_size: 16}
rerank: {model: bge-reranker, top_k: 5}
speech: {model: say, voice: nova}
transcription: hear
images: {model: paint, size: 1024x1024, edit: true}
task_model: gemma-3-27b
banners:
  - {id: sekisho-hello, type: success, title: Sekisho, content: Hello, i18n: {ja-JP: {content: こんにちは}}}
prompts:
  - {command: sekisho-minutes, name: Minutes, content: "file:minutes.md", tags: [work], groups: [life-lab]}
"""

BUTTON = '''"""
title: Button
version: 0.1.0
"""

I18N = {"ja-JP": {"name": "ボタン"}}


class Action:
    async def action(self, body: dict) -> None:
        return None
'''

ECHO = '''"""
title: Echo
version: 0.1.0
"""


class Pipe:
    async def pipe(self, body: dict) -> str:
        return "echo"
'''

CLOCK = '''"""
title: Clock
version: 0.1.0
"""

from pydantic import BaseModel

I18N = {"ja-JP": {"name": "時計"}}


class Tools:
    class Valves(BaseModel):
        zone: str = "UTC"

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def now(self) -> str:
        """Tells the time."""
        return "noon"
'''

THEIR_TOOL_SERVERS = [
    {
        "type": kind,
        "url": "http://127.0.0.1:9/x",
        "path": "openapi.json",
        "auth_type": "none",
        "key": "",
        "headers": None,
    }
    | {"config": {"enable": False, "access_grants": []}, "info": {"id": id, "name": id}, "forward_cookies": False}
    for kind, id in (("mcp", "theirs"), ("openapi", "hub"))
]
FOREIGN = '"""\ntitle: Theirs\n"""\n\n\nclass Filter:\n    pass\n'

KINDS = [
    "filter",
    "action",
    "tool",
    "connection",
    "connection",
    "tool server",
    "pipe",
    "model",
    "model",
    *["setting"] * 7,
]


@pytest.fixture
def manifest(plugins: Path, tmp_path: Path) -> Manifest:
    for kind, name, text in (("functions", "button", BUTTON), ("pipes", "echo", ECHO), ("tools", "clock", CLOCK)):
        (plugins / kind).mkdir()
        (plugins / kind / f"sekisho_{name}.py").write_text(text)
    (tmp_path / "minutes.md").write_text("Write the minutes of {{MEETING}}.\n")
    path = tmp_path / "everything.yaml"
    path.write_text(EVERYTHING)
    return read_manifest(path)


@pytest.fixture
def options(gateway: FakeGateway, plugins: Path) -> Options:
    gateway.hub = True
    environment = {"OTHER_KEY": "sk-other-provider", "COMPANY": "ACME"}
    return Options(gateway.url, Secret(GATEWAY_KEY), Secret(IDENTITY_SECRET), plugins=plugins, environment=environment)


@pytest.fixture
def used(server: OpenWebUIServer) -> OpenWebUIServer:
    """A server with connections, functions, models, settings and texts of other people."""
    group = next((each for each in server.request("GET", "/api/v1/groups/") if each["name"] == "life-lab"), None)
    if group is None:
        server.request("POST", "/api/v1/groups/create", {"name": "life-lab", "description": ""})
    connections = {
        "ENABLE_OPENAI_API": False,
        "OPENAI_API_BASE_URLS": ["http://127.0.0.1:10/v1", "http://127.0.0.1:11/v1"],
        "OPENAI_API_KEYS": ["sk-theirs", ""],
        "OPENAI_API_CONFIGS": {"0": {"enable": False, "headers": {"X-Own": "1"}, "tags": [{"name": "theirs"}]}},
    }
    server.request("POST", "/openai/config/update", connections)
    server.request("POST", "/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": THEIR_TOOL_SERVERS})
    create(server, "functions", "life_theirs", FOREIGN)
    grants = [{"principal_type": "user", "principal_id": "someone", "permission": "read"}]
    theirs = {"params": {"temperature": 0.1}, "meta": {"own": 1, "filterIds": ["x"]}, "access_grants": grants}
    for name in ("claude-sonnet", "life-preset"):
        base = "claude-sonnet" if name == "life-preset" else None
        server.request("POST", "/api/v1/models/create", {"id": name, "name": "Mine", "base_model_id": base, **theirs})
    prompt = {"command": "life-theirs", "name": "Theirs", "content": "x", "access_grants": []}
    server.request("POST", "/api/v1/prompts/create", prompt)
    banner = {"id": "theirs", "type": "info", "content": "Lunch at noon", "dismissible": True, "timestamp": 1}
    settings = {"ui.banners": [banner], "task.model.external": "their-model", "audio.tts.openai.api_key": "sk-speech"}
    server.request("POST", "/api/v1/configs/import", {"config": settings})
    return server


def create(server: OpenWebUIServer, kind: str, id: str, content: str) -> None:
    form = {"id": id, "name": "Theirs", "content": content, "meta": {"description": "d"}}
    server.request("POST", f"/api/v1/{kind}/create", form)


def edit(server: OpenWebUIServer, kind: str, id: str, add: str) -> None:
    """As the editor in the browser does."""
    stored = server.request("GET", f"/api/v1/{kind}/id/{id}")
    form = {key: stored[key] for key in ("id", "name", "meta")} | {"content": stored["content"] + add}
    server.request("POST", f"/api/v1/{kind}/id/{id}/update", form)


def differing(now: Any, then: Any) -> dict[str, Any]:
    """What is not the same, by export and, for settings, by name."""
    found = {name: (now[name], then[name]) for name in now if now[name] != then[name]}
    changed, before = found.pop("settings", ({}, {}))
    return found | {
        name: (changed.get(name), before.get(name)) for name in changed if changed[name] != before.get(name)
    }


def settings(server: OpenWebUIServer) -> Any:
    return server.request("GET", "/api/v1/configs/export")


def test_a_whole_life(
    used: OpenWebUIServer, pack: Pack, relay: Relay, manifest: Manifest, options: Options, tmp_path: Path
) -> None:
    before = content_of(used)
    with connect(relay.url, Token(Secret(used.admin_token))) as client:
        pack = dataclasses.replace(pack, client=client)

        first = pack.plan(manifest)
        assert [change.kind for change in first.changes] == [*KINDS, "prompt", "banner"]
        assert relay.written == []

        pack.apply(manifest)
        after = content_of(used)
        assert len(relay.written) > 10

        relay.written.clear()
        assert pack.apply(manifest).pending == ()
        assert relay.written == []
        assert len(pack.receipts.all()) == 1

        # Drift
        edit(used, "functions", "sekisho_greeting", "# by hand\n")
        edit(used, "tools", "sekisho_clock", "# by hand\n")
        used.request("POST", "/api/v1/configs/import", {"config": {"audio.tts.voice": "onyx"}})
        drift = {(change.kind, change.id) for change in pack.plan(manifest).blocked}
        assert drift == {("filter", "sekisho_greeting"), ("tool", "sekisho_clock"), ("setting", "speech")}
        by_hand = content_of(used)
        relay.written.clear()
        assert len(pack.apply(manifest).blocked) == 3
        assert relay.written == []

        # Force, and back
        pack.apply(manifest, dataclasses.replace(options, force=True))
        assert differing(content_of(used), after) == {}
        pack.rollback()
        assert differing(content_of(used), by_hand) == {}
        assert len(pack.plan(manifest).blocked) == 3
        pack.apply(manifest, dataclasses.replace(options, force=True))

        pack.remove()
        assert differing(content_of(used), before) == {}
        relay.written.clear()
        assert pack.remove().changes == ()
        assert relay.written == []

        # And again from the receipts alone
        first_receipt = pack.receipts.all()[0].name
        pack.rollback(first_receipt)
        assert differing(content_of(used), after) == {}
        pack.remove()
        assert differing(content_of(used), before) == {}
    text = "".join(path.read_text() for path in (tmp_path / "state" / "receipts").glob("*.jsonl"))
    secrets = (GATEWAY_KEY, IDENTITY_SECRET, "sk-other-provider", "sk-speech", "sk-theirs")
    assert not [secret for secret in secrets if secret in text]
    assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_everything_of_the_manifest_arrives(
    used: OpenWebUIServer, pack: Pack, manifest: Manifest, gateway: FakeGateway
) -> None:
    pack.apply(manifest)

    found = settings(used)
    assert found["openai.enable"] is True
    assert found["openai.api_base_urls"][-2:] == [gateway.url, "http://127.0.0.1:9/v1"]
    assert found["openai.api_keys"][-2:] == [GATEWAY_KEY, "sk-other-provider"]
    assert found["openai.api_configs"]["2"]["headers"]["X-Company"] == "ACME"
    assert found["openai.api_configs"]["3"] == {"enable": False, "prefix_id": "other"}
    expected = {
        "rag.embedding_model": "e5-small",
        "rag.embedding_batch_size": 16,
        "rag.enable_hybrid_search": True,
        "rag.reranking_engine": "external",
        "rag.external_reranker_url": f"{gateway.url}/rerank",
        "rag.top_k": 5,
        "audio.tts.engine": "openai",
        "audio.tts.voice": "nova",
        "audio.tts.openai.api_key": GATEWAY_KEY,
        "audio.stt.engine": "openai",
        "audio.stt.model": "hear",
        "image_generation.enable": True,
        "image_generation.size": "1024x1024",
        "images.edit.model": "paint",
        "task.model.external": "gemma-3-27b",
    }
    assert {name: found[name] for name in expected} == expected
    assert [banner["id"] for banner in found["ui.banners"]] == ["theirs", "sekisho-hello"]

    functions = {row["id"]: row for row in used.request("GET", "/api/v1/functions/export?include_valves=true")}
    assert functions["sekisho_greeting"]["valves"] == {"secret": IDENTITY_SECRET, "loudness": 7}
    button = functions["sekisho_button"]
    assert (button["type"], button["is_active"], button["is_global"]) == ("action", True, True)
    assert button["meta"]["i18n"]["ja-JP"]["name"] == "ボタン"
    assert functions["sekisho_echo"]["type"] == "pipe"
    assert used.request("GET", "/api/v1/tools/id/sekisho_clock/valves") == {"zone": "JST"}
    tool = used.request("GET", "/api/v1/tools/id/sekisho_clock")
    assert tool["meta"]["i18n"]["ja-JP"]["name"] == "時計"
    assert [grant["principal_type"] for grant in tool["access_grants"]] == ["group"]
    prompt = next(row for row in used.request("GET", "/api/v1/prompts/") if row["command"] == "sekisho-minutes")
    assert prompt["content"] == "Write the minutes of {{MEETING}}.\n"
    claude = next(row for row in used.request("GET", "/api/v1/models/all") if row["id"] == "claude-sonnet")
    assert (claude["name"], claude["meta"]["description"]) == ("Claude", "Our best")
    assert claude["meta"]["defaultFilterIds"] == ["sekisho_greeting"]
    assert claude["meta"]["filterIds"] == ["x"]
    assert {grant["principal_type"] for grant in claude["access_grants"]} == {"user", "group"}


def test_what_the_manifest_no_longer_names_goes_again(used: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    before = content_of(used)
    pack.apply(manifest)
    less = Manifest(models=manifest.models, filters=manifest.filters)

    plan = pack.apply(less)

    gone = {(change.kind, change.id): change.action for change in plan.pending}
    assert gone["tool", "sekisho_clock"] is Action.TAKE_AWAY
    assert gone["setting", "images"] is Action.RESTORE
    assert content_of(used)["tools"] == before["tools"]
    assert settings(used)["task.model.external"] == "their-model"
    assert pack.apply(less).pending == ()


@pytest.mark.parametrize("arrived", [0, 1, 2, 3, 5, 8, 13])
def test_a_server_that_goes_away_in_the_middle(
    used: OpenWebUIServer, pack: Pack, relay: Relay, manifest: Manifest, arrived: int
) -> None:
    before = content_of(used)
    relay.break_after = arrived
    with connect(relay.url, Token(Secret(used.admin_token))) as client:
        broken = dataclasses.replace(pack, client=client)
        with pytest.raises(OpenWebUIError):
            broken.apply(manifest)
    (interrupted,) = pack.receipts.all()
    assert interrupted.ended is False
    assert interrupted.open == 1

    finished = pack.apply(manifest)

    assert finished.blocked == ()
    assert pack.plan(manifest).pending == ()
    pack.remove()
    assert differing(content_of(used), before) == {}


def test_a_plugin_that_does_not_load_is_taken_back_and_the_rest_arrives(
    used: OpenWebUIServer, pack: Pack, manifest: Manifest, plugins: Path
) -> None:
    button = plugins / "functions" / "sekisho_button.py"
    pack.apply(manifest)
    before = content_of(used)
    broken = BUTTON.replace("class Action", "import nowhere_at_all\n\n\nclass Action")
    button.write_text(broken.replace("0.1.0", "0.2.0"))
    greeting = plugins / "filters" / "sekisho_greeting.py"
    greeting.write_text(PLUGIN.replace("0.1.0", "0.2.0"))

    with pytest.raises(InstallError, match=r"action sekisho_button: .*nowhere_at_all"):
        pack.apply(manifest)

    functions = {row["id"]: row for row in content_of(used)["functions"]}
    assert functions["sekisho_button"] in before["functions"]
    assert "0.2.0" in functions["sekisho_greeting"]["content"]

    button.write_text(BUTTON.replace("0.1.0", "0.2.0"))
    assert pack.apply(manifest).blocked == ()


def test_a_plugin_of_another_type_is_taken_back(
    used: OpenWebUIServer, pack: Pack, manifest: Manifest, plugins: Path
) -> None:
    (plugins / "functions" / "sekisho_button.py").write_text(ECHO)
    with pytest.raises(InstallError, match="takes it for a pipe, not for a action"):
        pack.apply(manifest)
    assert "sekisho_button" not in {row["id"] for row in content_of(used)["functions"]}


def test_edits_survive_a_removal_without_force(used: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    before = content_of(used)
    pack.apply(manifest)
    edit(used, "functions", "sekisho_greeting", "# by hand\n")

    (left,) = pack.remove().blocked

    assert (left.id, left.action) == ("sekisho_greeting", Action.EDITED_BY_HAND)
    pack.remove(force=True)
    assert differing(content_of(used), before) == {}


def test_another_machine_adopts_what_is_there(
    used: OpenWebUIServer, pack: Pack, manifest: Manifest, tmp_path: Path, plugins: Path
) -> None:
    pack.apply(manifest)
    before = content_of(used)
    other = dataclasses.replace(pack, receipts=Receipts(tmp_path / "elsewhere"))
    with pytest.raises(InstallError, match="no receipts for this server"):
        other.rollback()

    assert other.apply(manifest).pending == ()
    assert differing(content_of(used), before) == {}
    edit(used, "functions", "sekisho_button", "# by hand\n")
    (left,) = other.plan(manifest).blocked
    assert left.id == "sekisho_button"


def test_a_newer_version_from_another_machine_is_no_hand_edit(
    used: OpenWebUIServer, pack: Pack, manifest: Manifest, tmp_path: Path, plugins: Path
) -> None:
    pack.apply(manifest)
    path = plugins / "filters" / "sekisho_greeting.py"
    path.write_text(PLUGIN.replace("0.1.0", "0.2.0"))
    dataclasses.replace(pack, receipts=Receipts(tmp_path / "elsewhere")).apply(manifest)
    path.write_text(PLUGIN.replace("0.1.0", "0.3.0"))

    plan = pack.apply(manifest)

    assert plan.blocked == ()
    assert "0.3.0" in used.request("GET", "/api/v1/functions/id/sekisho_greeting")["content"]

    third = dataclasses.replace(pack, receipts=Receipts(tmp_path / "third"))
    path.write_text(PLUGIN.replace("0.1.0", "0.4.0"))
    third.apply(manifest)
    gone = {change.id: change.action for change in third.remove().changes}
    assert gone["sekisho_greeting"] is Action.TAKE_AWAY


def test_a_lost_secret_is_named(used: OpenWebUIServer, pack: Pack, manifest: Manifest, tmp_path: Path) -> None:
    pack.apply(manifest)
    (tmp_path / "state" / "secrets.json").unlink()
    lost = dataclasses.replace(pack, receipts=Receipts(tmp_path / "state"))
    assert "setting speech" in {f"{change.kind} {change.id}" for change in lost.remove().blocked}
    with pytest.raises(InstallError, match=r"setting speech \(key\)"):
        lost.remove(force=True)


def test_an_unknown_receipt_is_named(used: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    pack.apply(manifest)
    with pytest.raises(InstallError, match="There is no receipt 1999"):
        pack.rollback("1999")


@pytest.mark.needs_open_webui
@pytest.mark.timeout(900)
def test_a_server_killed_in_the_middle(
    manifest: Manifest, options: Options, gateway: FakeGateway, tmp_path: Path
) -> None:
    """The process itself ends without a word; after its start the next run finishes what the receipt says is open."""
    running = contextmanager(start)
    receipts, data = Receipts(tmp_path / "state"), tmp_path / "data"
    data.mkdir()
    only = Manifest(filters=manifest.filters, functions=manifest.functions, banners=manifest.banners)
    with running(data) as server, connect(server.url, Token(Secret(server.admin_token))) as client:
        before = content_of(server)
        plan = make_plan(client, only, options, receipts.known())

        def kill_after_the_second(change: Change) -> None:
            if change is plan.pending[1]:
                server.kill()

        with pytest.raises(OpenWebUIError, match="does not answer at"):
            carry_out(client, plan, receipts, "apply", kill_after_the_second)
    (interrupted,) = receipts.all()
    steps = [step.done for step in interrupted.steps if not step.seen]
    assert (interrupted.ended, steps) == (False, [True, True, False])

    with running(data, again=True) as server, connect(server.url, Token(Secret(server.admin_token))) as client:
        pack = Pack(client, options, receipts)
        finished = pack.apply(only)
        assert finished.blocked == ()
        assert len(finished.pending) == len(plan.pending) - 2
        pack.remove()
        assert differing(content_of(server), before) == {}
