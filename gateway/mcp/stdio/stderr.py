"""The end of what a server wrote to stderr, for errors."""

import re
from collections.abc import Sequence

from gateway.redaction import redacted_text

_LINES = 8
_LENGTH = 1000
_SHORTEST_SECRET = 4
"""Characters; `redaction` leaves shorter secrets than its own minimum alone, a configured value is hidden anyway."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


class Tail:
    """Keeps the last `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._cut = False

    def write(self, data: bytes) -> None:
        self._cut = self._cut or len(self._kept) + len(data) > self._limit
        self._kept += data[-self._limit :]
        del self._kept[: -self._limit]

    def text(self, secrets: Sequence[str]) -> str:
        """Return the last lines, without secrets and control characters; "" where nothing was written."""
        whole = bytes(self._kept).decode("utf-8", "replace")
        if self._cut:
            whole = whole[self._unsure(whole, secrets) :]
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                whole = whole.replace(secret, "***")
        clean = _CONTROL.sub("", redacted_text(whole, secrets)).strip()
        return "\n".join(clean.splitlines()[-_LINES:])[-_LENGTH:]

    @staticmethod
    def _unsure(whole: str, secrets: Sequence[str]) -> int:
        """Return the length of the beginning that may be the end of a secret: its first line, or as long as one."""
        longest = max(map(len, secrets), default=0)
        return max(whole.find("\n") + 1, longest)
