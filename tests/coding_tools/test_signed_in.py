"""Tools that are signed in to the gateway by its own sign-in: Claude Code, opencode, Codex.

Claude Code runs on the file in which it keeps a sign-in, which was made by the same requests as its screens make.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from gateway.app import FastLane
from tests.coding_tools.agents import NOTE, messages_agent, responses_agent
from tests.coding_tools.tools import Workplace, installed, refusing_proxy
from tests.console.person import Browser, signed
from tests.fakes.serving import serving
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, deployment, in_process, model

pytestmark = pytest.mark.timeout(400)

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
MAIL = "alice@example.com"
BUDGET = f"/admin/budgets/person:{MAIL}"
CLAUDE = {"CLAUDE_GATEWAY_ALLOW_LOOPBACK": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
"""The tool trusts no gateway without TLS but this machine's, and that only so."""
OFFLINE = ("OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_LSP_DOWNLOAD")
FREELY = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
SAID = "Hello, 世界!"


@dataclass
class Seen:
    """The requests that reached the gateway: method and path, status, headers of both sides."""

    requests: list[tuple[str, int, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def of(self, path: str) -> list[tuple[str, int, dict[str, str], dict[str, str]]]:
        return [each for each in self.requests if each[0].partition("?")[0].endswith(path)]


class Watching:
    """The application, with a list of what it was asked."""

    def __init__(self, app: FastLane, seen: Seen) -> None:
        self._app, self._seen, self.connections = app, seen, app.connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                given, told = (
                    {name.decode(): value.decode("latin-1") for name, value in headers}
                    for headers in (scope["headers"], message["headers"])
                )
                self._seen.requests.append((f"{scope['method']} {scope['path']}", message["status"], given, told))
            await send(message)

        await self._app(scope, receive, noting)


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def office(seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    claude, gpt, plain = messages_agent(), responses_agent(), FakeUpstream()
    with (
        serving(claude) as anthropic,
        serving(gpt) as openai,
        serving(plain) as other,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        price = {"input": 3, "output": 15}
        models = [
            model("claude-sonnet", deployment(anthropic, "agent", provider="anthropic"), price=price),
            model("coder", deployment(openai, "agent", provider="openai"), price={"input": 5, "output": 20}),
            model("plain", deployment(other), price=price, context_window=64_000, max_output_tokens=8000),
        ]
        config = {
            "admin_key": "${ADMIN_KEY}",
            "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
            "own_keys": {"most": 50, "longest_days": 30},
            "clients": {"claude_code": {"settings": {"model": "claude-sonnet", "env": {"MARKED_BY_US": "1"}}}},
            "models": models,
        }
        folder = tmp_path_factory.mktemp("office")
        with in_process(folder, config, wrap=lambda app, key: Watching(app, seen)) as served:
            yield served


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Workplace]:
    """A person's machine on which tools look for plugins elsewhere, too, in vain."""
    with refusing_proxy() as (proxy, refused):
        yield Workplace(tmp_path, proxy, refused)


@pytest.fixture(scope="module")
def alice(office: InProcess) -> Browser:
    """A browser in which Alice is signed in."""
    key = admin(office, "POST", "/admin/keys", {"alias": "chat", "identity": "open-webui"})["key"]
    headers = {"authorization": f"Bearer {key}", "x-openwebui-user-jwt": signed(sub="id-alice", email=MAIL)}
    browser = Browser(office.url)
    browser.enter(httpx2.post(f"{office.url}/v1/me/console-link", headers=headers, timeout=60).json()["url"])
    return browser


def admin(office: InProcess, method: str, path: str, content: Any = None) -> Any:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    answer = httpx2.request(method, f"{office.url}{path}", headers=headers, json=content, timeout=60)
    assert answer.is_success, answer.text
    return answer.json()


def sign_in(office: InProcess, alice: Browser, **form: str) -> dict[str, Any]:
    """Sign a program in as Claude Code's screens do; the person presses the button."""
    begun = httpx2.post(f"{office.url}/oauth/device_authorization", data=form, timeout=30).json()
    page = alice.get(f"/console/approve?code={begun['user_code']}")
    assert alice.submit(page, "/console/approve", decision="yes").status_code == 200
    polled = {"grant_type": DEVICE, "device_code": begun["device_code"]}
    return dict(httpx2.post(f"{office.url}/oauth/token", data=polled, timeout=30).json())


def keep_as_claude_code(home: Path, office: InProcess, granted: dict[str, Any], seconds: float) -> Path:
    """Write the file that Claude Code 2.1.197 wrote after its screens were gone through by hand."""
    file = home / ".claude" / ".credentials.json"
    file.parent.mkdir(exist_ok=True)
    kept = {
        "url": office.url,
        "jwt": granted["access_token"],
        "expiresAt": round((time.time() + seconds) * 1000),
        "tokenEndpoint": f"{office.url}/oauth/token",
        "idpRefreshToken": granted["refresh_token"],
    }
    file.write_text(json.dumps({"gatewayTrust": {"127.0.0.1": "http-loopback"}, "enterpriseGateway": kept}))
    file.chmod(0o600)
    return file


def test_claude_code_works_signed_in(office: InProcess, alice: Browser, workplace: Workplace, seen: Seen) -> None:
    program = installed("claude")
    granted = sign_in(office, alice, surface="claude_code")
    keep_as_claude_code(workplace.home, office, granted, granted["expires_in"])
    asked = f"Read {workplace.project / NOTE} and tell me what it says."
    printed = workplace.run(program, "-p", asked, "--allowedTools", "Read", environment=CLAUDE)
    assert printed.strip() == "The note says 4711."
    settings = seen.of("/managed/settings")
    assert {status for _, status, _, _ in settings} <= {200, 304}
    assert settings, "it asked for what the company presets"
    asked_models = seen.of("/v1/messages")
    assert asked_models
    for _, status, given, told in asked_models:
        assert status == 200
        assert given["authorization"] == f"Bearer {granted['access_token']}"
        assert not [name for name in told if name.startswith("anthropic-ratelimit-")], "there is no budget"
    checksum = settings[-1][3]["etag"].strip('"')
    checksums = {given.get("x-claude-code-managed-settings-checksum") for _, _, given, _ in asked_models}
    assert checksums & {checksum, None}, "what it was told is what it has"


def test_claude_code_renews(office: InProcess, alice: Browser, workplace: Workplace) -> None:
    program = installed("claude")
    granted = sign_in(office, alice, surface="claude_code")
    file = keep_as_claude_code(workplace.home, office, granted, -60)
    printed = workplace.run(program, "-p", "The word is SEKISHO-1234. Say it.", environment=CLAUDE)
    assert "1234" in printed
    kept = json.loads(file.read_text())["enterpriseGateway"]
    assert kept["jwt"] != granted["access_token"]
    assert kept["idpRefreshToken"] != granted["refresh_token"]
    assert kept["expiresAt"] > time.time() * 1000


def test_claude_code_shows_our_words_for_a_budget(office: InProcess, alice: Browser, workplace: Workplace) -> None:
    program = installed("claude")
    granted = sign_in(office, alice, surface="claude_code")
    keep_as_claude_code(workplace.home, office, granted, granted["expires_in"])
    admin(office, "PUT", BUDGET, {"nano_usd": 10_000, "window": "month", "hard": True})
    try:
        told = workplace.fails(program, "-p", "The word is SEKISHO-1234. Say it.", environment=CLAUDE)
        assert "budget" in told
        assert "administrator" in told
    finally:
        admin(office, "DELETE", BUDGET)


def sekisho(workplace: Workplace, *arguments: str) -> str:
    """Return the environment's command `sekisho`, as a program that other programs can start."""
    folder = workplace.home / "bin"
    folder.mkdir(exist_ok=True)
    file = folder / "sekisho"
    root = Path(__file__).parents[2]
    file.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{root}" PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring\n'
        f'exec "{sys.executable}" -m install "$@"\n'
    )
    file.chmod(0o755)
    if arguments:
        return workplace.run(file, *arguments, environment={})
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def keep_as_sekisho(workplace: Workplace, office: InProcess, alice: Browser) -> dict[str, Any]:
    """Sign `sekisho` in."""
    from gateway.secret import Secret
    from install.client.keeping import KeptKey, KeyBox

    granted = sign_in(office, alice, client_id="sekisho")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        ends = time.time() + granted["expires_in"]
        box = KeyBox(workplace.home / ".config" / "sekisho")
        box.keep(KeptKey(office.url, Secret(granted["access_token"]), ends, Secret(granted["refresh_token"])))
    return granted


def test_opencode_is_told_all(office: InProcess, alice: Browser, machine: Workplace, seen: Seen) -> None:
    program = installed("opencode")
    granted = keep_as_sekisho(machine, office, alice)
    environment = {**dict.fromkeys(OFFLINE, "1"), "PATH": sekisho(machine)}
    machine.run(program, "auth", "login", office.url, environment=environment)
    kept = json.loads((machine.home / ".local/share/opencode/auth.json").read_text())
    token = kept[office.url]["token"]
    assert token.startswith("sk-")
    assert token != granted["access_token"], "a key of its own, which lasts"
    printed = machine.run(program, "run", "--model", "sekisho/plain", "Say hello.", environment=environment)
    assert SAID in printed
    configured = seen.of("/.well-known/opencode/config")
    assert {status for _, status, _, _ in configured} == {200}
    assert {given["authorization"] for _, _, given, _ in configured} == {f"Bearer {token}"}


def test_codex_runs_the_command(office: InProcess, alice: Browser, machine: Workplace, seen: Seen) -> None:
    program = installed("codex")
    granted = keep_as_sekisho(machine, office, alice)
    path = sekisho(machine)
    sekisho(machine, "client", "codex", "--gateway", office.url, "--model", "coder", "--write")
    printed = machine.run(program, "exec", *FREELY, "The word is SEKISHO-1234. Say it.", environment={"PATH": path})
    assert "1234" in printed
    asked = seen.of("/v1/responses")
    assert {given["authorization"] for _, _, given, _ in asked} == {f"Bearer {granted['access_token']}"}
    catalogue = [each for each in seen.of("/v1/models") if "codex" in each[2].get("user-agent", "")]
    assert catalogue, "its models come from the gateway"
