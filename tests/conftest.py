"""What all tests share."""

pytest_plugins = ["tests.fixtures.gateway", "tests.fixtures.postgres", "tests.fixtures.open_webui"]
