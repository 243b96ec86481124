"""A model that ends soon is not proposed for quick tasks."""

from datetime import date
from typing import Any

import pytest

from install.client.asking import ends_soon

TODAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("notice", "soon"),
    [
        (None, False),
        ({}, False),
        ("2026-04-02", False),
        ({"end_of_life": None, "available_until": None}, False),
        ({"end_of_life": "2026-06-30"}, True),
        ({"end_of_life": "2026-07-01"}, False),
        ({"end_of_life": "2025-01-01"}, True),
        ({"end_of_life": 7, "available_until": ["2026-04-02"]}, False),
        ({"end_of_life": "2027-01-01", "available_until": "2026-04-02T00:00:00Z"}, True),
    ],
)
def test_what_ends_within_ninety_days(notice: Any, soon: bool) -> None:
    assert ends_soon(notice, TODAY) is soon
