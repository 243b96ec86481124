"""Formats of configuration files: each is read, changed in place, and written anew."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from install.client.documents import dotenv, jsonc, toml, yaml
from install.client.documents.changes import Change, Unfitting, changes, plain
from install.client.documents.jsonc import Malformed

__all__ = ["FORMATS", "Format", "FormatName", "Malformed", "NotMergeable", "Unfitting", "fresh", "merged"]

FormatName = Literal["json", "toml", "yaml", "env"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file is read and written. `parse` and `edit` raise `Malformed`."""

    parse: Callable[[str], Any]
    edit: Callable[[str, list[Change]], str]
    dump: Callable[[Any], str]


def _format(module: ModuleType) -> Format:
    return Format(module.parse, module.edit, module.dump)


FORMATS: dict[FormatName, Format] = {
    "json": _format(jsonc),
    "toml": _format(toml),
    "yaml": _format(yaml),
    "env": _format(dotenv),
}


class NotMergeable(ValueError):
    """Raised where an edited file would not say what it has to: a bug of ours, and no reason to harm the file."""


def merged(format: Format, text: str, wanted: Any) -> tuple[str, list[Change]]:
    """Return a file's text with the wanted content in it, and what that changes; nothing where it is there already.

    Raises `Malformed`, `Unfitting`, `NotMergeable`.
    """
    present = format.parse(text)
    needed = list(changes(present, wanted))
    if not needed:
        return text, []
    edited = format.edit(text, needed)
    if format.parse(edited) != _applied(present, needed):
        raise NotMergeable
    return edited, needed


def _applied(present: Any, needed: list[Change]) -> Any:
    """Return the content that a file must have after its changes, made without the file."""
    content = copy.deepcopy(present)
    for change in needed:
        *above, last = change.path
        holder = content
        for step in above:
            holder = holder[step]
        if change.removes:
            del holder[last]
        elif isinstance(holder, list) and last == len(holder):
            holder.append(change.value)
        else:
            holder[last] = change.value
    return content


def fresh(format: Format, wanted: Any) -> str:
    """Return the text of a new file."""
    return format.dump(plain(wanted))
