"""The official suites against the hub before a server of either era. `docs/mcp.md` has the table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from starlette.types import Receive, Scope, Send

from gateway.app import FastLane
from tests.fixtures.gateway import in_process
from tests.mcp.conformance.suites import SUITES, Score, judge_server
from tests.mcp.hub import ERAS, everything
from tests.mcp.node import node

pytestmark = pytest.mark.timeout(600)
AT_ONCE = 3
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
def test_every_check_passes(scores: Scores, suite: str, era: str) -> None:
    score = scores[suite, era]
    assert score.failing == [], score.printed
