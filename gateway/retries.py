"""How many retries there may be in all."""


class RetryBudget:
    """A fifth of the traffic may be retries: an upstream that is down is not hit twice as hard."""

    SHARE = 0.2
    MOST = 100.0

    def __init__(self) -> None:
        self._left = self.MOST

    def request(self) -> None:
        self._left = min(self.MOST, self._left + self.SHARE)

    def spend(self) -> bool:
        """Take one retry; return whether there was one left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
