"""Take a person out of the audit; the chain goes on holding. `persons` are ids and addresses in lower case."""

from collections.abc import Collection, Iterator
from typing import Any

from gateway.audit.actor import current_actor
from gateway.audit.chain import Chain, lines_of
from gateway.audit.row import Row, to_line
from gateway.audit.verify import FORGOTTEN, HEADS
from gateway.casing import lower
from gateway.files import write_file

_ROWS_TOLD = 400
"""Rows that one row tells of; more are told by several."""

_OF_A_KEY = ("object", "before", "after")

Taken = list[tuple[int, list[str]]]
"""Numbers of rows, and the parts that were taken out of each."""


def forget_in_audit(chain: Chain, persons: Collection[str]) -> Taken:
    """Take the persons out of the rows of this machine's chain, and record that; return what was taken out.

    Raises `OSError`.
    """
    if not chain.file.exists():
        return []
    with chain.locked():
        taken: Taken = []
        content = bytearray()
        for line in lines_of(chain.file):
            if line.row is None:
                return []  # a broken chain stays as it is: it is evidence
            names = _naming(line.row, persons)
            if names:
                taken.append((line.row.n, names))
            content += to_line(without(line.row, names))
        if taken:
            write_file(chain.file, bytes(content))
    for start in range(0, len(taken), _ROWS_TOLD):
        chain.append(FORGOTTEN, actor=current_actor(), object={"rows": taken[start : start + _ROWS_TOLD]})
    return taken


def named_in_audit(chain: Chain, persons: Collection[str]) -> int:
    """Return how many rows still name one of the persons."""
    return sum(bool(_naming(line.row, persons)) for line in lines_of(chain.file) if line.row)


def texts_in_audit(chain: Chain) -> set[str]:
    """Return all texts of the rows, in lower case, to find out who of them was forgotten elsewhere."""
    rows = (line.row for line in lines_of(chain.file) if line.row)
    texts = {lower(text) for row in rows for name in row.parts for text in _texts(row.value(name))}
    return texts | {tail for text in texts if (tail := text.partition(":")[2])}


def without(row: Row, names: Collection[str]) -> Row:
    """Return a row without the values of some parts; their digests stay."""
    for name in names:
        del row.parts[name]
    return row


def _naming(row: Row, persons: Collection[str]) -> list[str]:
    kept = ("object",) if row.action in (FORGOTTEN, HEADS) else ()
    own = _OF_A_KEY if _is_of_own_key(row, persons) else ()
    parts = (name for name in row.parts if name not in kept)
    return [name for name in parts if name in own or any(_names(text, persons) for text in _texts(row.value(name)))]


def _is_of_own_key(row: Row, persons: Collection[str]) -> bool:
    """Return whether a row is of a key that belongs to one of the persons: its alias may tell who that is."""
    values = [row.value(name) for name in _OF_A_KEY]
    return any(isinstance(each, dict) and lower(str(each.get("owner"))) in persons for each in values)


def _names(text: str, persons: Collection[str]) -> bool:
    lowered = lower(text)
    tail = lowered.partition(":")[2]
    return lowered in persons or tail in persons or any("@" in each and each in lowered for each in persons)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
