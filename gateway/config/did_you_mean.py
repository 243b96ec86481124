"""What somebody may have meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """The end of a sentence about a name that is none of the allowed ones."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names)
    return f"; did you mean '{close[0]}'? Allowed: {listed}" if close else f"; allowed: {listed}"
