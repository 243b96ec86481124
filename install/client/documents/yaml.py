"""YAML, with its comments and its indentation."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from install.client.documents.changes import Change
from install.client.documents.jsonc import Malformed

_WIDTH = 4096
"""Columns before a long line is folded: our lines never are."""


def parse(text: str) -> Any:
    """Return the content; an empty file is an empty mapping. Raises `Malformed`."""
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise Malformed(_line(error)) from error
    return {} if found is None else found


def edit(text: str, changes: list[Change]) -> str:
    """Return the text with changes made. Raises `Malformed`."""
    yaml = _writer(text)
    try:
        document = yaml.load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise Malformed(_line(error)) from error
    if document is None:
        return text + dump(_fresh(changes))
    for change in changes:
        _make(document, change)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def dump(content: Any) -> str:
    written = io.StringIO()
    _writer("").dump(content, written)
    return written.getvalue()


def _fresh(changes: list[Change]) -> dict[str, Any]:
    return {str(change.path[0]): change.value for change in changes}


def _writer(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    _, indent, offset = load_yaml_guess_indent(text) if "- " in text else (None, None, None)
    if indent is not None and offset is not None:
        yaml.indent(mapping=2, sequence=indent, offset=offset)
    else:
        yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _make(document: Any, change: Change) -> None:
    *above, last = change.path
    holder = document
    for step in above:
        holder = holder[step]
    if change.removes:
        del holder[last]
    elif isinstance(last, int) and last == len(holder):
        holder.append(change.value)
    else:
        holder[last] = change.value


def _line(error: BaseException) -> int:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return mark.line + 1 if mark else 1
