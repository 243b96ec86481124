"""What is gone: deleted by hand before a removal, or with the memory of a server that keeps no settings."""

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.secret import Secret
from install.open_webui import Token, connect
from install.pack.engine.change import Action, volatile_note
from install.pack.engine.receipts import Receipts
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import BannerEntry
from tests.fixtures.open_webui import START_SECONDS, OpenWebUIServer, start
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, FakeGateway, Pack, Sekisho


def delete(server: OpenWebUIServer, *, connection: bool = True) -> None:
    server.request("DELETE", "/api/v1/functions/id/sekisho_greeting/delete")
    server.request("POST", "/api/v1/models/model/delete", {"id": "claude-sonnet"})
    if not connection:
        return
    none: dict[str, Any] = {"OPENAI_API_BASE_URLS": [], "OPENAI_API_KEYS": [], "OPENAI_API_CONFIGS": {}}
    server.request("POST", "/openai/config/update", {"ENABLE_OPENAI_API": True, **none})


@pytest.mark.parametrize("way", ["remove", "rollback", "manifest"])
def test_what_was_deleted_by_hand_is_installed_again_after_a_removal(
    server: OpenWebUIServer, pack: Pack, manifest_file: Path, way: str
) -> None:
    manifest = read_manifest(manifest_file)
    if way == "rollback":
        pack.apply(Manifest(banners=(BannerEntry(id="hello", content="ours"),), models=()))
    first = pack.receipts.all()[-1].name if way == "rollback" else ""
    pack.apply(manifest)
    delete(server, connection=way == "remove")
    assert {change.details for change in pack.plan(manifest).blocked} == {("deleted by hand",)}

    if way == "remove":
        pack.remove()
        assert {kind for kind, _ in pack.receipts.known()} <= {"setting"}
        assert pack.remove().changes == ()
    elif way == "rollback":
        pack.rollback(first)
    else:
        pack.apply(Manifest(models=()))
        assert ("filter", "sekisho_greeting") not in pack.receipts.known()

    again = pack.apply(manifest)

    assert again.blocked == ()
    rows = server.request("GET", "/api/v1/functions/export?include_valves=true")
    assert next(row for row in rows if row["id"] == "sekisho_greeting")["valves"] == {"secret": IDENTITY_SECRET}


def test_the_command_says_what_was_gone(
    server: OpenWebUIServer, sekisho: Sekisho, gateway: FakeGateway, plugins: Path, manifest_file: Path
) -> None:
    here = ["--url", server.url, "--gateway-url", gateway.url, "--plugins", plugins, "--manifest", manifest_file]
    secrets = {"SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token, "SEKISHO_GATEWAY_KEY": GATEWAY_KEY}
    secrets |= {"SEKISHO_IDENTITY_SECRET": IDENTITY_SECRET}
    assert sekisho("apply", *here, **secrets).returncode == 0
    delete(server)
    removed = sekisho("remove", "--url", server.url, **secrets)
    assert removed.returncode == 0, removed.stderr
    assert "filter sekisho_greeting: deleted by hand before" in removed.stdout
    again = sekisho("apply", *here, **secrets)
    assert again.returncode == 0, again.stderr
    assert "✓ new  filter sekisho_greeting" in again.stdout


def urls(server: OpenWebUIServer) -> Any:
    return server.request("GET", "/openai/config")["OPENAI_API_BASE_URLS"]


@pytest.mark.timeout(3 * START_SECONDS)
def test_a_server_that_forgets_its_settings_at_each_start(
    gateway: FakeGateway, options: Options, tmp_path: Path, manifest_file: Path
) -> None:
    running = contextmanager(start)
    receipts, data = Receipts(tmp_path / "state"), tmp_path / "data"
    data.mkdir()
    forgetful = {"ENABLE_PERSISTENT_CONFIG": "false", "OPENAI_API_BASE_URL": "http://127.0.0.1:9/v1"}
    manifest = read_manifest(manifest_file).model_copy(update={"banners": (BannerEntry(id="hello", content="ours"),)})

    with running(data, forgetful) as server, connect(server.url, Token(Secret(server.admin_token))) as client:
        pack = Pack(client, options, receipts)
        assert pack.apply(manifest).notes == (volatile_note(),)
        assert pack.plan(manifest).pending == ()

    with (
        running(data, forgetful, again=True) as server,
        connect(server.url, Token(Secret(server.admin_token))) as client,
    ):
        assert gateway.url not in urls(server)
        pack = Pack(client, options, receipts)
        plan = pack.apply(manifest)
        actions = {change.kind: change.action for change in plan.pending}
        assert actions == {"connection": Action.NEW, "banner": Action.NEW}
        assert plan.blocked == ()
        assert gateway.url in urls(server)

    # The remedy lasts, and needs no force.
    with running(data, again=True) as server, connect(server.url, Token(Secret(server.admin_token))) as client:
        pack = Pack(client, options, receipts)
        plan = pack.apply(manifest)
        assert (plan.notes, plan.blocked) == ((), ())
        assert gateway.url in urls(server)
        server.request("POST", "/openai/config/update", {
            "ENABLE_OPENAI_API": True, "OPENAI_API_BASE_URLS": [], "OPENAI_API_KEYS": [], "OPENAI_API_CONFIGS": {},
        })  # fmt: skip
        (left,) = pack.plan(manifest).blocked
        assert (left.kind, left.details) == ("connection", ("deleted by hand",))


def test_a_server_that_keeps_its_settings_is_told(server: OpenWebUIServer, pack: Pack) -> None:
    assert pack.client.keeps_settings() is True
    assert pack.plan(Manifest()).notes == ()
