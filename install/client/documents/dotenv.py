"""Files of environment variables: a `NAME=value` a line."""

import re
from typing import Any

from install.client.documents.changes import Change
from install.client.documents.jsonc import Malformed

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_IGNORED = re.compile(r"\s*(#.*)?")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-]*")


def parse(text: str) -> Any:
    """Return names and values, without their quotes. Raises `Malformed`."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if _IGNORED.fullmatch(line):
            continue
        pair = _LINE.fullmatch(line)
        if pair is None:
            raise Malformed(number)
        found[pair[1]] = _unquoted(pair[2])
    return found


def edit(text: str, changes: list[Change]) -> str:
    """Return the text with changes made; other lines stay as they are."""
    lines = text.split("\n")
    for change in changes:
        name = str(change.path[0])
        kept = [line for line in lines if _name(line) != name]
        place = next((number for number, line in enumerate(lines) if _name(line) == name), None)
        if change.removes:
            lines = kept
        else:
            if place is None:
                place = len(kept) - (1 if kept and not kept[-1] else 0)
            kept.insert(place, f"{name}={_quoted(str(change.value))}")
            lines = kept
    written = "\n".join(lines)
    return written if written.endswith("\n") else f"{written}\n"


def dump(content: Any) -> str:
    return "".join(f"{name}={_quoted(str(value))}\n" for name, value in content.items())


def _name(line: str) -> str | None:
    pair = _LINE.fullmatch(line)
    return pair[1] if pair else None


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "") + "'"


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
