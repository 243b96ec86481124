"""The everything-server of the tests passes the official suites: what fails through the hub is the hub's fault."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.mcp_everything import everything_app
from tests.fakes.serving import serving
from tests.mcp.conformance.suites import DIRECT, SUITES, Score, Suite, judge_server
from tests.mcp.node import node

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def scores() -> Iterator[dict[str, Score]]:
    node()
    with serving(everything_app(), lifespan="on") as url, ThreadPoolExecutor(len(SUITES)) as pool:
        address = f"{url.replace('127.0.0.1', 'localhost')}/mcp"
        judged = pool.map(lambda suite: judge_server(suite, address), SUITES)
        yield {suite.title: score for suite, score in zip(SUITES, judged, strict=True)}


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.title)
def test_every_check_passes(scores: dict[str, Score], suite: Suite) -> None:
    score = scores[suite.title]
    assert score.failing == [], score.printed[-6000:]
    assert f"{score.passing} scenarios" == DIRECT[suite.title]
