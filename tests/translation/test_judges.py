"""Every recorded exchange, carried to the clients of the other wires; the table of it is in docs/translation.md."""

from itertools import permutations
from pathlib import Path

import pytest

from tests.fakes.exchanges import FOLDER
from tests.translation import cohere_judging
from tests.translation.judging import CODECS, Outcome, judge, reasons, table

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
OUTCOMES: list[Outcome] = []


@pytest.fixture(autouse=True)
def _recordings() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


@pytest.mark.parametrize(("client", "upstream"), list(permutations(CODECS, 2)))
def test_what_was_recorded_arrives(client: str, upstream: str) -> None:
    found = list(judge(client, upstream))
    OUTCOMES.extend(found)
    assert sum(each.skipped is None for each in found) > 0.8 * len(found)


@pytest.mark.parametrize("client", cohere_judging.CLIENTS)
def test_what_cohere_sent_arrives(client: str) -> None:
    found = list(cohere_judging.judge(client))
    OUTCOMES.extend(found)
    assert len(found) >= 60


def test_the_page_tells_how_it_went() -> None:
    """Runs after all of the above."""
    if len({(each.client, each.upstream) for each in OUTCOMES}) < 10:
        pytest.skip("not all pairs were judged in this run")
    page = PAGE.read_text()
    missing = [line for line in (*table(OUTCOMES), *reasons(OUTCOMES)) if line not in page]
    assert not missing, "put these lines into the page:\n" + "\n".join((*table(OUTCOMES), *reasons(OUTCOMES)))
