"""A notice as data."""

from typing import Literal

import msgspec

Kind = Literal["budget", "model"]


class Notice(msgspec.Struct, frozen=True):
    """Something that a person is told once."""

    id: str
    """The same as long as it is the same news: a threshold of a budget in one window, a model on one day."""
    kind: Kind
    text: str
    seconds: float
    """For which it is news: until the window ends, or the day."""
