"""The plugins' token estimate beside a real tokenizer, over the whole corpus."""

import pytest

from tests.bench.tokens import CORPUS, KINDS, Measured, measure


@pytest.fixture(scope="module")
def measured() -> dict[str, Measured]:
    if not CORPUS.exists():
        pytest.skip("the corpus is not there: ../shared/corpus")
    return {one.kind: one for one in measure()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_stays_what_is_stated(measured: dict[str, Measured], kind: str) -> None:
    one = measured[kind]
    assert one.documents >= 20
    assert one.mean_error <= 6
    assert one.largest_error <= 25
    assert one.mean_error < one.mean_error_of_quarter
