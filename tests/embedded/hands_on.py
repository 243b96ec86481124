"""The exercises of `docs/hands-on.md`, run as a reader types them, in the folder of a running stack."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_STEP = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_GATEWAY = "http://127.0.0.1:4000"
_SECONDS = 180


@dataclass(frozen=True)
class Step:
    """Commands, and what they print: lines in their order, `…` for anything."""

    exercise: str
    commands: str
    shown: tuple[str, ...]


def steps(page: Path) -> Iterator[Step]:
    """Yield the steps of a page."""
    for part in re.split(r"^## ", page.read_text(), flags=re.MULTILINE):
        for found in _STEP.finditer(part):
            yield Step(part.partition("\n")[0], found["commands"], tuple((found["shown"] or "").splitlines()))


def run(folder: Path, gateway: str, environment: Mapping[str, str]) -> None:
    """Run all steps in a folder, with `gateway` in place of the address that the page names."""
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "sekisho"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m install "$@"\n')
    program.chmod(0o755)
    shell = _Shell(folder, {**environment, "PATH": f"{programs}{os.pathsep}{environment['PATH']}", "COLUMNS": "200"})
    for step in steps(DOCS / "hands-on.md"):
        printed = shell.run(step.commands.replace(_GATEWAY, gateway))
        missing = missing_line([line.replace(_GATEWAY, gateway) for line in step.shown], printed)
        assert missing is None, f"{step.exercise}: {missing!r} is not printed, but\n{printed}"


def missing_line(shown: list[str], printed: str) -> str | None:
    """Return the first of the lines that is not printed after those before it."""
    lines = iter(printed.splitlines())
    for wanted in shown:
        parts = (r"\s+".join(map(re.escape, part.split())) for part in wanted.split("…"))
        pattern = re.compile(r"\s*" + r".*".join(f"{part}" for part in parts) + r"\s*")
        if not any(pattern.fullmatch(line) for line in lines):
            return wanted
    return None


class _Shell:
    """A shell that remembers variables and functions from one step to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self._kept = folder / "kept.sh"
        self._kept.write_text("")

    def run(self, commands: str) -> str:
        kept = shlex.quote(str(self._kept))
        script = f"set -euo pipefail\n. {kept}\n{commands}\n{{ export -p; declare -f; }} > {kept}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout
