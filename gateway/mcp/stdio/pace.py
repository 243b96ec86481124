"""How much a server may say without being asked."""

from collections.abc import Callable


class Flood(Exception):
    """A server goes on sending far more than its rate."""


class Pace:
    """A bucket of messages that nobody asked for: `rate` a second, `burst` at once. What is over it is dropped, and
    after `patience` dropped ones without a quiet moment the server counts as flooding."""

    def __init__(
        self, clock: Callable[[], float], rate: float = 500, burst: int = 2_000, patience: int = 20_000
    ) -> None:
        self._clock, self._rate, self._burst, self._patience = clock, rate, burst, patience
        self._left, self._since = float(burst), clock()
        self.dropped = 0
        self._in_a_row = 0

    def admits(self) -> bool:
        """Count one message; return whether it may pass; raise Flood."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left == self._burst:
            self._in_a_row = 0
        if self._left >= 1:
            self._left -= 1
            return True
        self.dropped += 1
        self._in_a_row += 1
        if self._in_a_row > self._patience:
            raise Flood
        return False
