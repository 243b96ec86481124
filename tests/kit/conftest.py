"""The command as people run it, and one Open WebUI without a web server for all recorded conversations."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from install.kit.drive import Host, running
from install.kit.scaffold import scaffold

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-open-webui" / "bin" / "python"
KINDS = ("pipe", "filter", "tool", "action")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sekisho(tmp_path: Path) -> Run:
    """`sekisho("check", path, NAME=value)` in an empty folder; nothing of the developer's own settings."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEKISHO_", "LC_", "LANG"))}
        return subprocess.run(
            [sys.executable, "-m", "install", *map(str, arguments)],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "160", **environment},
            capture_output=True,
            text=True,
            timeout=240,
        )

    return run


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, Path]:
    """A new plugin of each kind, as `sekisho new` writes it."""
    return {kind: scaffold(kind, f"my_{kind}", tmp_path, "Travel desk", "出張窓口")[0] for kind in KINDS}


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    if not PYTHON.exists():
        pytest.skip("Open WebUI is not installed: run `make .venv-open-webui`")
    with running(PYTHON) as host:
        yield host
