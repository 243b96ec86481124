"""Tests of one shared server run in one process."""

import pytest

from tests.fixtures.sharing import unit_of


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/e2e/test_agents.py::test_a[ja]", "Open WebUI"),
        ("tests/install/pack/test_b.py::Group::test_c", "Open WebUI"),
        ("tests/filters/test_usage.py::test_d", "plugin host"),
        ("tests/pipes/test_menu.py::test_e[a/b::c]", "tests/pipes/test_menu.py"),
        ("tests/test_packaging.py::test_f", "tests/test_packaging.py"),
    ],
)
def test_the_unit_of_a_test(nodeid: str, unit: str) -> None:
    assert unit_of(nodeid) == unit
