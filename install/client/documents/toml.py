"""TOML, with its comments."""

import tomllib
from collections.abc import MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from install.client.documents.changes import Change
from install.client.documents.jsonc import Malformed


def parse(text: str) -> Any:
    """Return the content. Raises `Malformed`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(getattr(error, "lineno", 1)) from error
    except RecursionError as error:
        raise Malformed(1) from error


def edit(text: str, changes: list[Change]) -> str:
    """Return the text with changes made. Raises `Malformed`."""
    try:
        document = tomlkit.parse(text)
        for change in changes:
            _make(document, change)
        return tomlkit.dumps(document)
    except (TOMLKitError, RecursionError) as error:
        raise Malformed(getattr(error, "line", 1)) from error


def dump(content: Any) -> str:
    return edit("", [Change((key,), value) for key, value in content.items()])


def _make(document: Any, change: Change) -> None:
    *above, last = change.path
    holder: Any = document
    for step in above:
        holder = holder[step]
    if change.removes:
        del holder[last]
    elif isinstance(last, int) and isinstance(holder, list) and last == len(holder):
        holder.append(_item(change.value))
    elif isinstance(holder, MutableMapping) and last in holder:
        holder[last] = change.value
    else:
        holder[last] = change.value if isinstance(holder, InlineTable) else _item(change.value)


def _item(value: Any) -> Any:
    """Return a value as TOML writes it: mappings as tables, those that hold only tables without a head of their own."""
    if not isinstance(value, dict):
        return tomlkit.item(value)
    table = tomlkit.table(is_super_table=bool(value) and all(isinstance(each, dict) for each in value.values()))
    # A key after a table would belong to that table.
    for key, each in sorted(value.items(), key=lambda pair: isinstance(pair[1], dict)):
        table.append(key, _item(each))
    return table
