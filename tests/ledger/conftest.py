"""The S3 server of the ledger's tests."""

from collections.abc import Iterator

import pytest

from tests.ledger.s3 import S3Server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    server.start()
    yield server
    server.stop()
