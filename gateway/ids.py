"""Ids of requests: random, without a system call for each."""

import os

_BYTES = 16
_BLOCK = 256
_unused: list[str] = []


def request_id() -> str:
    """Return 128 random bits as 32 hex digits."""
    if not _unused:
        digits = os.urandom(_BYTES * _BLOCK).hex()
        _unused.extend(digits[start : start + 2 * _BYTES] for start in range(0, len(digits), 2 * _BYTES))
    return _unused.pop()


os.register_at_fork(after_in_child=_unused.clear)
