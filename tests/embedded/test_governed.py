"""The stack of `sekisho up` under an administrator's commands: found without a variable, kept as it was applied."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.embedded import hands_on
from tests.fakes.serving import free_port
from tests.fixtures.open_webui import PROGRAM

ROOT = Path(__file__).parents[2]
MINUTES = 5 * 60
MANIFEST = """
models: all
filters: [full_text, context_guard, {name: user_identity, valves: {secret: "${SEKISHO_IDENTITY_SECRET}"}}]
pipes: [{name: document_search, groups: all}]
agents: [{name: helper, title: Helper, url: "http://127.0.0.1:9/v1"}]
default_model: smollm2-135m
banners: [{id: hello, content: Hello}]
"""
UP = "Ctrl-C stops everything"


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not PROGRAM.exists():
        pytest.skip("Open WebUI is not installed: run `make .venv-open-webui`")


class Checkout:
    """A folder with a stack, and what is typed there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "up.log"
        gateway = free_port()
        self._ports = ("--gateway-port", str(gateway), "--open-webui-port", str(free_port()))
        self.gateway = f"http://127.0.0.1:{gateway}"
        named = ("SEKISHO_", "LANG", "LC_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        # A proxy that nobody answers at: what goes to this machine must not ask it.
        self.environment = {**kept, "PYTHONPATH": str(ROOT), "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "install", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=MINUTES,
        )

    def good(self, *arguments: str, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def up(self, *arguments: str) -> Iterator[None]:
        command = [sys.executable, "-m", "install", "up", *self._ports, *arguments]
        with self.log.open("w") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
            try:
                self.says(UP, process)
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        self.says("Stopped. Nothing is lost")

    def says(self, text: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
        deadline = time.monotonic() + MINUTES / 2
        while text not in self.log.read_text():
            ended = process is not None and process.poll() is not None
            assert not ended, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)


@pytest.mark.needs_open_webui
@pytest.mark.timeout(4 * MINUTES)
def test_a_stack_is_governed_from_its_folder(tmp_path: Path) -> None:
    here = Checkout(tmp_path)
    (tmp_path / "pack.yaml").write_text(MANIFEST)
    with here.up():
        assert "admin@example.com" in here.log.read_text()
        _commands_find_the_stack(here)
        hands_on.run(tmp_path, here.gateway, here.environment)
        here.good("apply", "--manifest", "pack.yaml")
        here.good("status")
        assert "Signed out: admin@example.com" in here.good("sign-out")
        _a_dead_part_comes_back(here)
        here.good("keys", "revoke", "open-webui")
    with here.up():
        log = here.log.read_text()
        assert "The key 'open-webui' was revoked or lost" in log
        assert re.search(r"Sign in +admin@example.com", log), "always"
        actions = {each["action"] for each in json.loads(here.good("status", "--json"))["changes"]}
        assert actions == {"unchanged"}, "what the administrator applied is still there"
        _doctor_proves(here)


def _commands_find_the_stack(here: Checkout) -> None:
    assert {"open-webui", "admin"} <= {each["alias"] for each in json.loads(here.good("keys", "list", "--json"))}
    here.good("budgets", "set", "person:*", "--usd", "20")
    assert "person:*" in here.good("budgets", "list")
    for words in (("ledger", "status"), ("config", "explain"), ("plan",)):  # the exercises run others
        here.good(*words)
    done = here.run("keys", "list", "--config", "other.yaml")
    assert done.returncode == 2, "an explicit file is not silently another"
    assert "other.yaml" in done.stderr
    done = here.run("plan", "--url", f"http://127.0.0.1:{free_port()}")
    assert "The sign-in is missing" in done.stderr, "the stack's password goes to nobody else"


def _a_dead_part_comes_back(here: Checkout) -> None:
    [model] = _processes("install.embedded.chat_model", here.folder)
    os.kill(model, signal.SIGKILL)
    here.says("model ended with -9 and is started again")


def _doctor_proves(here: Checkout) -> None:
    done = here.run("doctor", "--json", "--skip", "tools")
    found = json.loads(done.stdout)
    # A model of 135 million parameters beside other work may answer nobody in time; that says nothing of the stack.
    judged = [each for each in (*found["checks"], *found["paths"]) if "no answer came within" not in str(each)]
    assert [each for each in judged if each["state"] == "failed"] == []
    states = {each["name"]: each["state"] for each in judged}
    assert {states.get(name, "verified") for name in ("chat", "title", "embeddings")} == {"verified"}, states


def _processes(words: str, folder: Path) -> list[int]:
    """Return the ids of processes with these words in the command that run in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            is_here = (process / "cwd").readlink() == folder
        except OSError:
            continue
        if words in command and is_here:
            found.append(int(process.name))
    return found
