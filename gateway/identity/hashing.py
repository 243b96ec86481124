"""Keyed hashes of secrets and identities."""

import hmac
from functools import lru_cache

_LONGEST_KEPT = 256


def keyed_hash(secret: bytes, text: str) -> bytes:
    """Return an HMAC-SHA-256. The same callers come again, so the latest are remembered, but no long texts."""
    return _kept_hash(secret, text) if len(text) <= _LONGEST_KEPT else _hash(secret, text)


def _hash(secret: bytes, text: str) -> bytes:
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256")


_kept_hash = lru_cache(8192)(_hash)
