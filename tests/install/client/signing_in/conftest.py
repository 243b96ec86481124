"""A gateway at which people sign in, a person with a browser, and a machine with the command line."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from typer.testing import CliRunner

from gateway.errors import SekishoError
from install.cli import app
from install.wording import speak
from tests.console.person import Browser, forms_of, signed
from tests.fakes.serving import serving
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, deployment, in_process, model

PAGE = "/console/approve"
ROOT = Path(__file__).parents[4]
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(FakeUpstream()) as address, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        models = [model("coder", deployment(address), context_window=64_000, max_output_tokens=8000)]
        config = {
            "admin_key": "${ADMIN_KEY}",
            "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
            "own_keys": {"most": 50, "longest_days": 30},
            "models": models,
        }
        with in_process(tmp_path_factory.mktemp("office"), config) as served:
            yield served


@pytest.fixture(scope="package")
def open_webui(office: InProcess) -> str:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    chat = {"alias": "chat", "identity": "open-webui"}
    return str(httpx2.post(f"{office.url}/admin/keys", headers=headers, json=chat, timeout=60).json()["key"])


@pytest.fixture(scope="package")
def alice(office: InProcess, open_webui: str) -> Browser:
    """A browser in which Alice is signed in."""
    browser = Browser(office.url)
    headers = {
        "authorization": f"Bearer {open_webui}",
        "x-openwebui-user-jwt": signed(sub="id-alice", email="alice@example.com"),
    }
    link = httpx2.post(f"{office.url}/v1/me/console-link", headers=headers, timeout=60).json()["url"]
    assert browser.enter(link).status_code == 303
    return browser


def answered(browser: Browser, page: httpx2.Response, decision: str) -> httpx2.Response:
    """Press a button of the page that asks."""
    assert forms_of(page), page.text
    return browser.submit(page, PAGE, decision=decision)


Told = tuple[int, str, str]
"""Exit code, output, and what was told beside it."""


@dataclass
class Machine:
    """A person's machine."""

    home: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        call = [sys.executable, "-m", "install", *arguments]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            **NO_KEYRING,
            **self.environment,
        }
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(call, env=environment, cwd=self.home, text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def run_apart(self, *arguments: str) -> Told:
        """Run a command in a process of its own."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def run(self, *arguments: str) -> Told:
        """Run a command in this process, which takes a tenth of the time."""
        keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
        cleared = dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "XDG_CONFIG_HOME", "SEKISHO_GATEWAY_URL"))
        environment = {**cleared, "HOME": str(self.home), "LC_ALL": "C.UTF-8", **self.environment}
        try:
            done = CliRunner().invoke(app, list(arguments), env=environment)
        finally:
            speak("en")
        if isinstance(done.exception, SekishoError):
            return done.exception.exit_code, done.stdout, f"{done.stderr}error: {done.exception}"
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Machine]:
    def made(**environment: str) -> Machine:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return Machine(home, environment)

    return made
