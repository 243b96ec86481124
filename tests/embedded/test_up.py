"""`sekisho up` with everything real: model, embeddings, gateway, Open WebUI; and what it says when it cannot."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.serving import free_port
from tests.fixtures.open_webui import PROGRAM

MINUTES = 5 * 60
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `up` remembers for the folder it runs in does not stay in the source tree."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def _up(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "install", "up", *arguments]
    return subprocess.run(
        call, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=MINUTES
    )


def _ports() -> list[str]:
    return ["--gateway-port", str(free_port()), "--open-webui-port", str(free_port())]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not PROGRAM.exists():
        pytest.skip("Open WebUI is not installed: run `make .venv-open-webui`")


@pytest.mark.needs_open_webui
@pytest.mark.timeout(2 * MINUTES)
def test_the_road_is_open_twice(tmp_path: Path) -> None:
    """A first start makes everything, a second one reuses it; each answers a chat and records it."""
    arguments = ["--check", "--data", str(tmp_path / "data"), *_ports()]
    for installed in (r"The pack is installed \(\d+ changes\)", "The pack is in place"):
        began = time.monotonic()
        done = _up(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        print(f"up --check took {time.monotonic() - began:.1f} s")
        assert re.search(installed, done.stdout)
        row = dict(re.findall(r"^ *(\w+) +(\S.*?) *$", done.stdout, re.MULTILINE))
        assert (row["outcome"], row["identity_source"], row["user_role"]) == ("ok", "token", "user")
        assert row["user_email"] == "check@example.com"
        assert int(row["output_tokens"]) > 0
    secrets = tmp_path / "data/secrets.json"
    assert secrets.stat().st_mode & 0o077 == 0, "others may not read the secrets"


@pytest.mark.parametrize("option", ["--gateway-port", "--open-webui-port"])
def test_a_taken_port_is_named(tmp_path: Path, taken: int, option: str) -> None:
    ports = dict(zip(*[iter(_ports())] * 2, strict=True)) | {option: str(taken)}
    done = _up("--data", str(tmp_path), *[part for pair in ports.items() for part in pair])
    assert done.returncode == 1
    assert f"Port {taken}" in done.stderr
    assert option in done.stderr
    assert done.stderr.count("\n") == 1, "one clear line"


def test_a_missing_open_webui_is_named(tmp_path: Path) -> None:
    done = _up("--data", str(tmp_path), "--open-webui", str(tmp_path / "nowhere"), *_ports())
    assert done.returncode == 1
    assert "make .venv-open-webui" in done.stderr


@pytest.mark.timeout(MINUTES)
def test_a_broken_download_is_named_and_leaves_nothing_running(tmp_path: Path) -> None:
    no_index = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    nowhere = {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = _up("--data", str(tmp_path / "data"), *_ports(), **no_index, **nowhere)
    assert done.returncode == 1
    assert "The model could not be fetched" in done.stderr
    assert not _running(str(tmp_path)), "a failed start ends what it had started"


def _running(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"DATA_DIR={mark}" in environment:
            found.append(process.name)
    return found


def test_a_part_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    program = tmp_path / "open-webui"
    program.write_text("#!/bin/sh\necho 'cannot import torch'\nexit 3\n")
    program.chmod(0o755)
    done = _up("--data", str(tmp_path / "data"), "--open-webui", str(program), *_ports())
    assert done.returncode == 1
    assert "Open WebUI did not come up: it ended with 3" in done.stderr
    assert "cannot import torch" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system; run the tests as root")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here; run the tests where root may mount")
    try:
        done = _up("--data", str(small / "data"), *_ports())
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 1
    assert "MiB free" in done.stderr
    assert "--data" in done.stderr
