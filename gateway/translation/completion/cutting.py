"""Cuts an answer at the first of its ends, though that may arrive in pieces."""

import re
from collections.abc import Sequence


class Cutter:
    """Passes a text on up to an end. What may be the beginning of one is held back until more has come."""

    __slots__ = ("_ends", "_first", "_held", "_longest", "_pattern", "cut")

    def __init__(self, ends: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(re.escape(end) for end in sorted(ends, key=len, reverse=True)))
        self._ends = tuple(ends)
        self._longest = max((len(end) for end in ends), default=1) - 1
        self._first = frozenset(end[0] for end in ends)
        self._held = ""
        self.cut = False
        """True once an end has come; nothing follows it."""

    def feed(self, text: str) -> str:
        """Return what may be sent on of a piece of text."""
        if self.cut:
            return ""
        if not self._held and self._first.isdisjoint(text):
            return text
        text = self._held + text
        if found := self._pattern.search(text):
            self.cut, self._held = True, ""
            return text[: found.start()]
        kept = self._unsure(text)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def end(self) -> str:
        """Return what was held back: no more comes, so it is text."""
        held, self._held = self._held, ""
        return held

    def _unsure(self, text: str) -> int:
        """Return how many of the last characters may be the beginning of an end."""
        for length in range(min(self._longest, len(text)), 0, -1):
            tail = text[len(text) - length :]
            if tail[0] in self._first and any(end.startswith(tail) for end in self._ends):
                return length
        return 0


def cut(text: str, ends: Sequence[str]) -> tuple[str, bool]:
    """Return a whole text up to the first of its ends, and whether there was one."""
    found = [at for end in ends if (at := text.find(end)) >= 0]
    return (text[: min(found)], True) if found else (text, False)
