"""What several tests of usage share."""

from tests.ledger.conftest import s3

__all__ = ["s3"]
