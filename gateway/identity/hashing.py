"""Keyed hashes of what must not be kept as it is."""

import hmac
from functools import lru_cache


@lru_cache(8192)
def keyed_hash(secret: bytes, text: str) -> bytes:
    """HMAC-SHA-256. The same callers come again and again, so the latest are remembered."""
    return hmac.digest(secret, text.encode(), "sha256")
