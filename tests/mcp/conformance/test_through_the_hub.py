"""The official suites against the hub before a server of either era. `docs/mcp.md` has the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from gateway.app import FastLane
from tests.fixtures.gateway import in_process
from tests.mcp.conformance.suites import DIRECT, SUITES, Score, judge_server
from tests.mcp.hub import ERAS, everything
from tests.mcp.node import node

pytestmark = pytest.mark.timeout(600)
AT_ONCE = 3
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "mcp.md"
CANNOT = {
    ("set 2026-07-28", "legacy"): [
        "input-required-result-basic-elicitation",
        "input-required-result-multiple-input-requests",
    ]
}
"""The first wants a question under a name of the server's choice, the second three questions in one answer: a server of
the older era asks one after the other, and its questions have no names."""
RUNS = [(suite.title, era) for suite, era in product(SUITES, ERAS)]
Scores = dict[tuple[str, str], Score]


class WithKey:
    """Adds a key to each request: the suites have no option for headers."""

    def __init__(self, app: FastLane, key: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {key}".encode())
        self.connections = app.connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scores]:
    node()
    with everything(*ERAS) as servers:
        configured = {"servers": {era: {"url": url} for era, (_, url) in servers.items()}}
        folder = tmp_path_factory.mktemp("conformance")
        with (
            in_process(folder, {"models": [], "mcp": configured}, wrap=WithKey) as gateway,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            address = gateway.url.replace("127.0.0.1", "localhost")
            pairs = list(product(SUITES, ERAS))
            judged = pool.map(lambda pair: judge_server(pair[0], f"{address}/mcp/{pair[1]}"), pairs)
            yield dict(zip(RUNS, judged, strict=True))


@pytest.mark.parametrize(("suite", "era"), RUNS)
def test_what_passes(scores: Scores, suite: str, era: str) -> None:
    score = scores[suite, era]
    assert score.failing == CANNOT.get((suite, era), []), score.printed[-6000:]


def test_the_table_of_the_documentation(scores: Scores) -> None:
    """The direct run has its own test, which says the same numbers."""
    rows = []
    for suite in SUITES:
        through = [f"{scores[suite.title, era].passing} scenarios" for era in ("modern", "legacy")]
        rows.append(f"| {' | '.join((suite.title, DIRECT[suite.title], *through))} |")
    assert "\n".join(rows) in DOCUMENTATION.read_text()
