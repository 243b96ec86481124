"""Records as leaves: a path of keys and the value at its end. Empty objects and all lists are leaves."""

import copy
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

Json = dict[str, Any]
Path = tuple[str, ...]


class Absent(Enum):
    """The value of a leaf that is not there."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent.ABSENT

Leaf = object
"""JSON that is no object with keys, or `ABSENT`."""


def leaves(record: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key), value


def get(record: Mapping[str, Any] | None, path: Path) -> Leaf:
    value: Any = record
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return ABSENT if value is None and not path else value


def containers(record: Mapping[str, Any] | None, path: Path) -> Iterator[tuple[Path, Leaf]]:
    """Yield the containers above `path` that are missing or empty, to be put back once the leaf is gone again."""
    for length in range(1, len(path)):
        value = get(record, path[:length])
        if not isinstance(value, Mapping) or not value:
            yield path[:length], value


def changed(record: Json, values: Mapping[Path, Leaf]) -> Json:
    """Return a copy of `record` with these leaves; `ABSENT` deletes one."""
    result = copy.deepcopy(record)
    for path, value in values.items():
        _put(result, path, value)
    return result


def _put(record: Json, path: Path, value: Leaf) -> None:
    *above, last = path
    for key in above:
        below = record.get(key)
        if not isinstance(below, dict):
            if value is ABSENT:
                return
            below = record[key] = {}
        record = below
    if value is ABSENT:
        record.pop(last, None)
    else:
        record[last] = copy.deepcopy(value)
