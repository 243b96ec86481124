"""What the peers need, installed when it is missing: Debian packages, Python environments, an npm folder.

Nothing of it is shared with our own environment: each peer pins other versions than we do.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
_SECONDS = 900
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


class Unavailable(Exception):
    """A peer that cannot be measured here; the message says why and which command mends it."""


def environment(name: str) -> Path:
    """Where a peer is installed. `.gitignore` has a line for these folders."""
    return HERE / f".env-{name}"


def debian(binary: str, package: str) -> str:
    """The path of a program from a Debian package. Raises `Unavailable`."""
    found = shutil.which(binary, path=_PATH)
    if found:
        return found
    mend = f"apt-get install --yes --no-install-recommends {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(f"{binary} is missing; as root: {mend}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "--quiet"], mend, env=quiet)
    _run(mend.split(), mend, env=quiet)
    found = shutil.which(binary, path=_PATH)
    if not found:
        raise Unavailable(f"{binary} is still missing after: {mend}")
    return found


def python_package(name: str, requirement: str, program: str) -> str:
    """A program of a Python package in an environment of its own. Raises `Unavailable`."""
    folder = environment(name)
    path = folder / "bin" / program
    if not _installed(folder, requirement):
        mend = f"{sys.executable} -m venv {folder} && {folder}/bin/pip install '{requirement}'"
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], mend)
        _run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", requirement], mend)
        _mark(folder, requirement)
    return str(path)


def npm_package(name: str, package: str, version: str, overrides: Mapping[str, str]) -> tuple[str, Path]:
    """Node, and the folder of an npm package; `overrides` pin what it depends on. Raises `Unavailable`."""
    node, npm = debian("node", "nodejs"), debian("npm", "npm")
    folder = environment(name)
    wanted = json.dumps({"private": True, "dependencies": {package: version}, "overrides": dict(overrides)}, indent=2)
    if not _installed(folder, wanted):
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(wanted)
        # Without its scripts: they would only patch development tools.
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts"]
        _run([*command, "--loglevel=error"], " ".join(command))
        _mark(folder, wanted)
    return node, folder / "node_modules" / package


def _installed(folder: Path, requirement: str) -> bool:
    stamp = folder / ".installed"
    return stamp.exists() and stamp.read_text() == requirement


def _mark(folder: Path, requirement: str) -> None:
    """The stamp is written last, so an interrupted installation starts over."""
    # git, ruff and hatch look past folders that ignore themselves.
    (folder / ".gitignore").write_text("*\n")
    (folder / ".installed").write_text(requirement)


def _run(command: list[str], mend: str, env: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=env, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"not installed in {_SECONDS} s; try: {mend}") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(f"cannot be installed ({last[0][:200]}); try: {mend}")
