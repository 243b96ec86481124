"""The difference between a tool's configuration and what it has to hold, as small changes that leave all else alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]
"""Keys and positions from the root."""


class Absent(Enum):
    """The value of a key that must not be there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Default:
    """A value for a key that the file does not have; another value stays."""

    value: Any


@dataclass(frozen=True, slots=True)
class Keyed:
    """Items of a list that are known by one of their members; items of others stay in the list."""

    key: str
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """Set the value at a path, or remove it. A path that ends with a list's length appends."""

    path: Path
    value: Any

    @property
    def removes(self) -> bool:
        return self.value is ABSENT


class Unfitting(ValueError):
    """Raised where the configuration holds another kind of value than the tool accepts there."""


def changes(present: Any, wanted: Any, path: Path = ()) -> Iterator[Change]:
    """Yield what has to change. Raises `Unfitting`."""
    if isinstance(wanted, Keyed):
        yield from _in_list(present, wanted, path)
    elif isinstance(wanted, Mapping):
        yield from _in_mapping(present, wanted, path)
    elif present != wanted or type(present) is not type(wanted):
        yield Change(path, wanted)


def plain(wanted: Any) -> Any:
    """Return wanted content as the mappings and lists of a new file."""
    if isinstance(wanted, Default):
        return wanted.value
    if isinstance(wanted, Keyed):
        return [plain(each) for each in wanted.items]
    if isinstance(wanted, Mapping):
        return {key: plain(value) for key, value in wanted.items() if value is not ABSENT}
    return wanted


def dotted(path: Path) -> str:
    """Return a path for people: `env.ANTHROPIC_BASE_URL`, `models[2].name`."""
    parts = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)
    return "".join(parts).removeprefix(".")


def _in_mapping(present: Any, wanted: Mapping[str, Any], path: Path) -> Iterator[Change]:
    if not isinstance(present, Mapping):
        raise Unfitting(dotted(path))
    for key, value in wanted.items():
        here = (*path, key)
        if value is ABSENT:
            if key in present:
                yield Change(here, ABSENT)
        elif key not in present or (present[key] is None and value is not None):
            yield Change(here, plain(value))
        elif not isinstance(value, Default):
            yield from changes(present[key], value, here)


def _in_list(present: Any, wanted: Keyed, path: Path) -> Iterator[Change]:
    if not isinstance(present, list):
        raise Unfitting(dotted(path))
    count = len(present)
    for item in wanted.items:
        same = (
            number
            for number, each in enumerate(present)
            if isinstance(each, Mapping) and each.get(wanted.key) == item[wanted.key]
        )
        number = next(same, None)
        if number is None:
            yield Change((*path, count), plain(item))
            count += 1
        else:
            yield from changes(present[number], item, (*path, number))
