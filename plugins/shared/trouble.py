"""Trouble that a person is told about."""

from typing import Any


class Trouble(Exception):
    """Reason why there is no answer, or not all of it: a key of TEXT and what is in its braces."""

    def __init__(self, key: str, **said: Any) -> None:
        super().__init__(key)
        self.key, self.said = key, said
