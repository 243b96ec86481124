"""A row of the table of families."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.profiles.names import ModelName


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A row: which names it is of, and which members of `Profile` differ from their defaults."""

    family: str
    since: tuple[int, ...] = ()
    """The first version."""
    before: tuple[int, ...] | None = None
    """The first version that it is no longer true of; None = of all later ones."""
    words: frozenset[str] = frozenset()
    """At least one of them is in the name; empty = any name."""
    without: frozenset[str] = frozenset()
    """None of them is in the name."""
    unversioned: bool = False
    """Also of names without a version."""
    changes: Mapping[str, Any]
    source: str

    def matches(self, name: ModelName) -> bool:
        """Return whether the row is of a model with this name."""
        if name.family != self.family or (self.words and not self.words & name.words) or self.without & name.words:
            return False
        if not name.version:
            return self.unversioned or not (self.since or self.before)
        return name.version >= self.since and (self.before is None or name.version < self.before)


def row_of(family: str, source: str, *words: str, without: tuple[str, ...] = (), **changes: Any) -> Family:
    """Return a row; `since`, `before` and `unversioned` are among `changes` for brevity."""
    place = {name: changes.pop(name) for name in ("since", "before", "unversioned") if name in changes}
    return Family(
        family=family, words=frozenset(words), without=frozenset(without), changes=changes, source=source, **place
    )
