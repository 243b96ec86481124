"""Programs from npm that the tests of tool servers run: Node.js itself, the conformance suites, servers, an inspector.

`python -m tests.mcp.node` installs them beside this file.
"""

import os
from pathlib import Path

import pytest

from tests.coding_tools import tools

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"


def node() -> Path:
    """Return Node.js 22; install what is missing, skip the test where that cannot be."""
    return tools.installed("node", FOLDER)


def module(path: str) -> Path:
    """Return a file of an installed package; skip the test where it is missing."""
    node()
    found = MODULES / path
    if not found.exists():
        pytest.skip(f"{path} is missing; to mend it: rm -r {MODULES.relative_to(FOLDER.parents[1])}, then make test")
    return found


def environment() -> dict[str, str]:
    """Return an environment in which `node` is that Node.js."""
    return {"PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    print(tools.install(FOLDER) or "installed")
