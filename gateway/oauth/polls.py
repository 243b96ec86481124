"""Holds programs to the interval at which they may poll."""

from collections.abc import Callable

from cachetools import TTLCache

_MOST_KNOWN = 10_000
_TOLERANCE_SECONDS = 1.0
"""Networks deliver two requests closer together than they were sent."""


class Polls:
    """Notes when each code was asked about last (RFC 8628, section 3.5). Times in seconds of `clock`."""

    def __init__(self, interval: float, added: float, seconds: float, clock: Callable[[], float]) -> None:
        self._interval, self._added, self._clock = interval, added, clock
        self._last: TTLCache[str, tuple[float, float]] = TTLCache(_MOST_KNOWN, seconds, timer=clock)

    def too_early(self, code: str) -> bool:
        """Note a poll and return whether it comes too early; each one that does adds to the interval."""
        now = self._clock()
        known = self._last.get(code)
        interval = known[1] if known else self._interval
        early = known is not None and now - known[0] < interval - _TOLERANCE_SECONDS
        self._last[code] = now, interval + (self._added if early else 0)
        return early
