"""What all tests share."""

from hypothesis import settings

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
