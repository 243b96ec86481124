"""A long conversation takes little memory on its way."""

import pytest

from tests.bench.translation import conversation, memory_ratio


@pytest.mark.parametrize("upstream", ["chat", "responses"])
def test_a_long_conversation_takes_four_times_its_size(upstream: str) -> None:
    raw = conversation()
    assert len(raw) > 900_000
    assert memory_ratio("/messages", upstream, raw) < 4
