"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from install.wording import speak

# `make test` draws the same examples each time; new ones are for those who work on the code.
settings.register_profile("repeatable", derandomize=True)

pytest_plugins = [
    "tests.fixtures.interrupts",
    "tests.fixtures.needs",
    "tests.fixtures.sharing",
    "tests.fixtures.skips",
    "tests.fixtures.blocking",
    "tests.fixtures.gateway",
    "tests.fixtures.completion",
    "tests.fixtures.postgres",
    "tests.fixtures.open_webui",
]


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """Set the language of what is said back after each test, so that no test depends on the one before it."""
    yield
    speak("en")
