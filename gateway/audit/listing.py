"""Rows of the audit for people: the newest first, filtered."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.chain import backwards
from gateway.audit.row import Row
from gateway.casing import lower

LONGEST_LIST = 1000


class Wanted(msgspec.Struct, frozen=True):
    """What to list. Times are Unix seconds; `actor` and `about` are parts of texts, in any case."""

    since: float = 0
    until: float = float("inf")
    action: str | None = None
    actor: str | None = None
    about: str | None = None
    before: int | None = None
    """Only rows with a smaller number: the next page."""


def newest(file: Path, wanted: Wanted, limit: int = 100) -> list[dict[str, Any]]:
    """Return at most `limit` rows of this machine's chain, the newest first. Blocks."""
    return [row.shown() for row in islice(_matching(file, wanted), min(limit, LONGEST_LIST))]


def _matching(file: Path, wanted: Wanted) -> Iterator[Row]:
    for row in backwards(file):
        if row.at < wanted.since * 1e6:
            return
        if row.at <= wanted.until * 1e6 and (wanted.before is None or row.n < wanted.before) and _fits(row, wanted):
            yield row


def _fits(row: Row, wanted: Wanted) -> bool:
    if wanted.action and not row.action.startswith(wanted.action):
        return False
    if wanted.actor and not _holds(row, ("actor",), wanted.actor):
        return False
    return not wanted.about or _holds(row, ("object", "before", "after"), wanted.about)


def _holds(row: Row, names: tuple[str, ...], text: str) -> bool:
    parts = (row.parts[name].value for name in names if name in row.parts)
    return any(lower(text) in lower(bytes(part).decode(errors="replace")) for part in parts)
