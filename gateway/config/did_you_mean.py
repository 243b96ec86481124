"""Suggestions for misspelt names."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the closest allowed one, and all of them."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names)
    return f"; did you mean '{close[0]}'? Allowed: {listed}" if close else f"; allowed: {listed}"
