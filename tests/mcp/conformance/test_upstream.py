"""The suites that judge clients, against the hub's side of the servers: what is not about signing in.

`tools_call`, `http-standard-headers`, `http-invalid-tool-headers` and `json-schema-ref-no-deref` pass as well; each
costs seconds, and tests of our own say the same.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mcp.conformance.suites import SUITES, run
from tests.mcp.node import node

pytestmark = pytest.mark.timeout(600)
AT_ONCE = 3
CLIENT = f"{sys.executable} -m tests.mcp.conformance.upstream"
SCENARIOS = [
    ("elicitation-sep1034-client-defaults", "2025-11-25"),
    ("sse-retry", "2025-11-25"),
    ("request-metadata", "2026-07-28"),
    ("sep-2322-client-request-state", "2026-07-28"),
    ("http-custom-headers", "2026-07-28"),
]


@pytest.fixture(scope="module")
def printed() -> Iterator[dict[tuple[str, str], str]]:
    node()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield dict(zip(SCENARIOS, pool.map(lambda each: _judged(*each), SCENARIOS), strict=True))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: " ".join(each))
def test_a_scenario(printed: dict[tuple[str, str], str], scenario: tuple[str, str]) -> None:
    assert "OVERALL: PASSED" in printed[scenario], printed[scenario][-3000:]


def _judged(name: str, version: str) -> str:
    """Run a scenario, once more if it fails: it waits so many seconds for the client."""
    chosen = ("--scenario", name, "--spec-version", version, "--timeout", "60000")
    for _ in range(2):
        found = run([*SUITES[-1].program(), "client", "--command", CLIENT, *chosen])
        if "OVERALL: PASSED" in found:
            break
    return found
