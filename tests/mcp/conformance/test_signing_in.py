"""The client suite's scenarios about authorization, with the gateway's pages and a browser. `docs/mcp.md` names them.

All of `SCENARIOS` pass; the tests run `SHOWN`, as each starts a gateway: those that tests of our own do not say.
`python -m tests.mcp.conformance.test_signing_in` runs all.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mcp.conformance.suites import SUITES, run
from tests.mcp.node import node

pytestmark = pytest.mark.timeout(600)
AT_ONCE = 2
CLIENT = f"{sys.executable} -m tests.mcp.conformance.signing_in"
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "mcp.md"
NEWER = (
    *("metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "metadata-issuer-mismatch"),
    *("basic-cimd", "pre-registration", "resource-mismatch", "authorization-server-migration"),
    *("token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none"),
    *("scope-from-www-authenticate", "scope-from-scopes-supported", "scope-omitted-when-undefined"),
    *("scope-step-up", "scope-retry-limit", "offline-access-scope", "offline-access-not-supported"),
    *("iss-supported", "iss-not-advertised", "iss-supported-missing", "iss-wrong-issuer", "iss-unexpected"),
    "iss-normalized",
)
SCENARIOS: tuple[tuple[str, str], ...] = (
    *((f"auth/{name}", "2026-07-28") for name in NEWER),
    ("auth/2025-03-26-oauth-metadata-backcompat", "2025-03-26"),
    ("auth/2025-03-26-oauth-endpoint-fallback", "2025-03-26"),
    ("auth/client-credentials-basic", ""),
)
SHOWN = [
    ("auth/scope-step-up", "2026-07-28"),
    ("auth/authorization-server-migration", "2026-07-28"),
    ("auth/2025-03-26-oauth-endpoint-fallback", "2025-03-26"),
]


@pytest.fixture(scope="module")
def printed() -> Iterator[dict[tuple[str, str], str]]:
    node()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield dict(zip(SHOWN, pool.map(judged, SHOWN), strict=True))


@pytest.mark.parametrize("scenario", SHOWN, ids=lambda each: " ".join(each))
def test_a_scenario(printed: dict[tuple[str, str], str], scenario: tuple[str, str]) -> None:
    assert "OVERALL: PASSED" in printed[scenario], printed[scenario][-3000:]


def test_the_documentation_names_them() -> None:
    text = DOCUMENTATION.read_text()
    assert [name for name, _ in SCENARIOS if f"`{name.removeprefix('auth/')}`" not in text] == []


def judged(scenario: tuple[str, str]) -> str:
    """Run a scenario, once more if it fails: it waits so many seconds for the client."""
    name, version = scenario
    chosen = ("--scenario", name, *(("--spec-version", version) if version else ()), "--timeout", "90000")
    found = ""
    for _ in range(2):
        found = run([*SUITES[-1].program(), "client", "--command", CLIENT, *chosen])
        if "OVERALL: PASSED" in found:
            break
    return found


if __name__ == "__main__":
    for each in SCENARIOS:
        print(each[0], "passed" if "OVERALL: PASSED" in judged(each) else "FAILED", flush=True)
