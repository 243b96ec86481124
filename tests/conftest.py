"""What all tests share."""

pytest_plugins = [
    "tests.fixtures.interrupts",
    "tests.fixtures.needs",
    "tests.fixtures.skips",
    "tests.fixtures.blocking",
    "tests.fixtures.gateway",
    "tests.fixtures.completion",
    "tests.fixtures.postgres",
    "tests.fixtures.open_webui",
]
