"""The official conformance suites, run against a server.

A scenario that fails is tried again by itself: several of them wait so many milliseconds for something, which a busy
machine does not always keep.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.mcp.node import FOLDER, environment, module, node

_LINE = re.compile(r"^[✓✗] ([\w.-]+): (\d+) passed, (\d+) failed", re.MULTILINE)
_UNSCORED = re.compile(r"^  [✓✗] ([\w.-]+) \((?:extension|pending|added-after-release)\)", re.MULTILINE)
_TRIES = 3
_SECONDS = 240


@dataclass(frozen=True)
class Suite:
    """A set of scenarios of one release of the suites."""

    title: str
    package: str
    chosen: tuple[str, ...]
    version: str
    """What one scenario alone has to be run with."""
    counts_unscored: bool = False
    """Whether scenarios that do not count are to pass all the same."""

    def program(self) -> list[str]:
        return [str(node()), str(module(f"{self.package}/dist/index.js"))]


SUITES = (
    Suite("0.1.16, all", "conformance-0.1.16", ("--suite", "all"), ""),
    Suite("set 2025-11-25", "conformance", ("--requirements", "2025-11-25"), "2025-11-25", counts_unscored=True),
    Suite("set 2026-07-28", "conformance", ("--requirements", "2026-07-28"), "2026-07-28"),
)

DIRECT = {
    "0.1.16, all": "32 of 32 scenarios",
    "set 2025-11-25": "33 of 33 scenarios",
    "set 2026-07-28": "37 of 37 scenarios",
}
"""What the everything-server of the tests passes by itself."""


@dataclass
class Score:
    """Passed and failed checks by scenario; those that count."""

    scenarios: dict[str, tuple[int, int]]
    printed: str = field(repr=False)

    @property
    def checks(self) -> str:
        passed, failed = (sum(each) for each in zip(*self.scenarios.values(), strict=True))
        return f"{passed}/{passed + failed}"

    @property
    def passing(self) -> str:
        return f"{sum(not failed for _, failed in self.scenarios.values())} of {len(self.scenarios)}"

    @property
    def failing(self) -> list[str]:
        return [name for name, (_, failed) in self.scenarios.items() if failed]


def judge_server(suite: Suite, url: str) -> Score:
    """Run a suite against a server."""
    printed = run([*suite.program(), "server", "--url", url, *suite.chosen])
    score = Score(_scenarios(printed, suite), printed)
    for name in score.failing:
        score.scenarios[name] = _alone(suite, url, name, score.scenarios[name])
    return score


def _scenarios(printed: str, suite: Suite) -> dict[str, tuple[int, int]]:
    found = {name: (int(passed), int(failed)) for name, passed, failed in _LINE.findall(printed)}
    assert found, printed
    unscored = set() if suite.counts_unscored else set(_UNSCORED.findall(printed))
    return {name: counts for name, counts in found.items() if name not in unscored}


def _alone(suite: Suite, url: str, name: str, before: tuple[int, int]) -> tuple[int, int]:
    """Run one scenario until it passes, at most so often; return the checks of the whole run with it."""
    version = ("--spec-version", suite.version) if suite.version else ()
    for _ in range(_TRIES - 1):
        printed = run([*suite.program(), "server", "--url", url, "--scenario", name, *version])
        if not re.search(r"[✗]|FAILURE|failed: [1-9]", printed):
            return sum(before), 0
    return before


def run(command: Sequence[str]) -> str:
    """Return what a run of the suites printed."""
    own = {**environment(), "PYTHONPATH": str(FOLDER.parents[1]), "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=own)
    return done.stdout + done.stderr
