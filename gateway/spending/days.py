"""Days of spending, and how much of it is kept."""

DAY_SECONDS = 86_400
DAYS_KEPT = 32
"""No budget window is longer than a month."""
LARGEST_SUM = 2**53
"""In nano-USD, nine million USD: the largest sum that the shared store counts exactly."""


def day_of(moment: float) -> int:
    """Return the number of days since 1970 in UTC; `moment` is in Unix seconds."""
    return int(moment // DAY_SECONDS)
