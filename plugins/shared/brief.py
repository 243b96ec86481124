"""Numbers and names as they stand in a line."""

from typing import Any


def rounded(tokens: int) -> str:
    """Return three significant digits: 41234 -> 41,200. More would claim to be exact."""
    return f"{int(float(f'{tokens:.3g}')):,}"


def short(name: Any) -> str:
    """Return a name of at most 60 characters on one line."""
    name = " ".join(str(name).split())
    return name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
