"""What the stack remembers between starts, and what commands make of it: no process of the stack runs here."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.project import Project, at, find, for_config, remember
from gateway.secret import Secret
from install.embedded.keys import missing_lines
from install.embedded.layout import Layout, StackSecrets, load_secrets, save_secrets
from install.embedded.pack import install_pack, remember_stack
from install.embedded.parts import CONFIG, Ports, gateway_environment, open_webui_environment
from install.errors import InstallError, ManifestError, OpenWebUIError
from install.open_webui import Password, TokenCache, connect
from install.open_webui.http import Http
from install.options import PackOptions, ServerOptions

ROOT = Path(__file__).parents[2]
PORTS = Ports(1, 2, 3, 4)
SECRETS = StackSecrets(*(Secret(f"{field.name}-0123456789abcdef0123456789abcdef") for field in fields(StackSecrets)))


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    """An empty data folder; commands run beside it, without variables of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SEKISHO_")]:
        monkeypatch.delenv(name)
    found = Layout(tmp_path / "data")
    with found.alone():
        pass
    find.cache_clear()
    yield found
    find.cache_clear()


def test_secrets_are_kept_for_their_owner_alone(layout: Layout) -> None:
    assert load_secrets(layout) is None
    save_secrets(layout, SECRETS)
    assert load_secrets(layout) == SECRETS
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o600
    assert [each.name for each in layout.data.glob("*secrets*")] == ["secrets.json"], "nothing half written"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"admin_password": "x"}',
        *(json.dumps({**{field.name: "x" for field in fields(StackSecrets)}, "identity": value}).encode()
          for value in (None, 5, "", " ", ["x"])),
    ],
)  # fmt: skip
def test_damaged_secrets_are_named_with_the_remedy(layout: Layout, damage: bytes) -> None:
    layout.secrets.write_bytes(damage)
    with pytest.raises(InstallError, match=r"secrets\.json is damaged.*Put back a copy of it, or delete"):
        load_secrets(layout)


def test_a_second_start_is_told_that_the_stack_runs(layout: Layout) -> None:
    """Before it writes anything: its commands would be about the second one, and both would write one database."""
    program = Path("open-webui").absolute()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with layout.alone():
        done = _sekisho("up", "--data", "data", "--open-webui", str(program), "--gateway-port", "1", "--check")
    assert done.returncode == 1
    assert "is running already. Use it, or stop it with Ctrl-C first" in done.stderr
    assert not (layout.data / "stack.json").exists()


def test_secrets_of_a_version_without_an_admin_key(layout: Layout) -> None:
    save_secrets(layout, SECRETS)
    kept = json.loads(layout.secrets.read_text())
    del kept["admin_key"]
    layout.secrets.write_text(json.dumps(kept))
    found = load_secrets(layout)
    assert found
    assert len(found.admin_key.reveal()) >= 32


def test_a_configuration_without_an_admin_key_is_told_what_to_add(layout: Layout) -> None:
    environment = gateway_environment(PORTS, SECRETS)
    layout.config.write_text(CONFIG)
    assert missing_lines(load(layout.config, environment).config) == []
    former = [line for line in CONFIG.splitlines() if not line.startswith(("admin_key", "open_webui"))]
    layout.config.write_text("\n".join(former))
    lines = missing_lines(load(layout.config, environment).config)
    assert [line.partition(":")[0] for line in lines] == ["admin_key", "open_webui"]
    layout.config.write_text("\n".join([*former, *lines]))
    assert missing_lines(load(layout.config, environment).config) == [], "what is told is what helps"


def test_open_webui_signs_who_asks_on_every_way(layout: Layout) -> None:
    environment = open_webui_environment(layout, PORTS, SECRETS)
    assert environment["ENABLE_FORWARD_USER_INFO_HEADERS"] == "true"
    assert environment["FORWARD_USER_INFO_HEADER_JWT_SECRET"] == SECRETS.identity.reveal()


def test_a_manifest_is_remembered_until_another_is_given(layout: Layout) -> None:
    mine = Path("mine.yaml")
    mine.write_text("models: all\n")
    assert remember_stack(layout, PORTS, mine).manifest == mine.absolute()
    assert remember_stack(layout, PORTS, None).manifest == mine.absolute()
    mine.write_text("models: [")
    with pytest.raises(ManifestError, match=r"mine\.yaml:1"):
        remember_stack(layout, PORTS, mine)
    assert remember_stack(layout, PORTS, None).manifest == mine.absolute(), "the running stack is not stopped by it"
    mine.unlink()
    project = remember_stack(layout, PORTS, None)
    assert "mine.yaml is gone; name another with --manifest" in install_pack(project, SECRETS, given=False)


def _project(layout: Layout, **more: str) -> Project:
    url, gateway = "http://127.0.0.1:4", "http://127.0.0.1:3/v1"
    project = Project(layout.data, url, gateway, None, None, {"SEKISHO_GATEWAY_PORT": "3", **more})
    remember(project, Path.cwd())
    save_secrets(layout, SECRETS)
    layout.config.write_text(CONFIG)
    find.cache_clear()
    return project


def test_the_environment_is_above_the_project_file(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _project(layout)
    assert at(layout.data) == find() == project
    assert for_config(layout.config)["SEKISHO_ADMIN_KEY"] == SECRETS.admin_key.reveal()
    monkeypatch.setenv("SEKISHO_ADMIN_KEY", "another")
    monkeypatch.setenv("SEKISHO_GATEWAY_PORT", "5")
    found = for_config(layout.config)
    assert (found["SEKISHO_ADMIN_KEY"], found["SEKISHO_GATEWAY_PORT"]) == ("another", "5")
    assert "SEKISHO_IDENTITY_SECRET" in found
    assert "SEKISHO_IDENTITY_SECRET" not in for_config(Path("other.yaml")), "another file is not the stack's"


def test_addresses_of_the_environment_and_options_are_above_the_project_file(layout: Layout) -> None:
    _project(layout)
    token = {"SEKISHO_OPEN_WEBUI_TOKEN": "t"}
    for options, environment, url in (
        ((), {}, "http://127.0.0.1:4"),
        ((), {"SEKISHO_OPEN_WEBUI_URL": "http://127.0.0.1:5", **token}, "http://127.0.0.1:5"),
        (
            ("--url", "http://127.0.0.1:6"),
            {"SEKISHO_OPEN_WEBUI_URL": "http://127.0.0.1:5", **token},
            "http://127.0.0.1:6",
        ),
    ):
        assert f"does not answer at {url} " in _sekisho("plan", *options, **environment).stderr


def test_the_stacks_password_goes_to_the_stack_alone(layout: Layout) -> None:
    _project(layout)
    pack = PackOptions(url="http://127.0.0.1:4/", gateway_url="http://127.0.0.1:3/v1")
    found = pack.credentials()
    assert isinstance(found, Password)
    assert (found.email, found.reveal()) == ("admin@example.com", SECRETS.admin_password.reveal())
    given = PackOptions(url="http://127.0.0.1:4", gateway_url="http://127.0.0.1:3/v1", password=Secret("given"))
    found = given.credentials()
    assert isinstance(found, Password)
    assert found.reveal() == "given", "a password that is given is the one that is tried"
    for url, gateway in (("http://127.0.0.1:5", "http://127.0.0.1:3/v1"), ("http://127.0.0.1:4", "http://evil/v1")):
        other = PackOptions(url=url, gateway_url=gateway)
        assert other.kept("gateway_key") is None
        with pytest.raises(InstallError, match="The sign-in is missing"):
            other.credentials()


def test_signing_out_of_all_servers(layout: Layout) -> None:
    servers = [ServerOptions(url=f"http://{name}", state=Path("state")) for name in ("one", "two", "three")]
    for server in servers[:2]:
        TokenCache(server.folder / "tokens.json").put(f"{server.url[7:]}@example.com", Secret("token"))
    done = _sekisho("sign-out", "--url", "http://two", "--state", "state", "--all")
    assert done.stdout == "Signed out: one@example.com, two@example.com.\n"
    assert not list(Path("state").rglob("tokens.json"))
    assert _sekisho("sign-out", "--url", "http://two", "--state", "state").stdout == "Nobody was signed in.\n"
    japanese = _sekisho("sign-out", "--url", "http://two", "--state", "state", LANG="ja_JP.UTF-8")
    assert japanese.stdout == "サインインの記録はありません。\n"


def _sekisho(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    call = [sys.executable, "-m", "install", *arguments]
    environment = {**kept, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(call, env=environment, capture_output=True, text=True, timeout=60)


def test_a_proxy_in_the_way_of_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there; its password is not told."""
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://user:canary@127.0.0.1:9")
    with (
        pytest.raises(
            OpenWebUIError, match=r"asked through the proxy http://127\.0\.0\.1:9: put its name into NO_PROXY"
        ) as told,
        Http("http://chat.example.com") as http,
    ):
        http.get("/api/version")
    assert "canary" not in str(told.value)
    with (
        pytest.raises(OpenWebUIError) as told,
        connect("http://127.0.0.1:9", Password("a@example.com", Secret("x"))),
    ):
        pass
    assert "proxy" not in str(told.value), "this machine is asked directly"


@pytest.mark.parametrize(("language", "says"), [("C", "Interrupted. Run the same"), ("ja_JP.UTF-8", "中断しました。")])
def test_ctrl_c_says_what_to_do_next(language: str, says: str) -> None:
    """While a server that never answers is waited for."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        call = [sys.executable, "-m", "install", "plan", "--url", url, "--token", "t", "--gateway-url", url]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": language, "PYTHONIOENCODING": "utf-8"}
        with subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            asked, _ = silent.accept()
            with asked:
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert says in told.decode()
    assert b"Traceback" not in told
