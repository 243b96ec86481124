"""Read a file with includes and `${NAME}`s into a checked `Config`, with the place of each value.

An error says: file, line, key, what is wrong, what is allowed.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gateway.config.conflicts import conflicts
from gateway.config.document import Document
from gateway.config.explain import explain
from gateway.config.filling import fill
from gateway.config.plain import TAG, Plain
from gateway.config.schema import Config
from gateway.config.yaml_file import NULL, Unreadable, mark_of, parse_mapping, read_text
from gateway.errors import ConfigError

_MAX_INCLUDES = 100
_MOST_PROBLEMS = 50
_LONGEST_PROBLEM = 600
"""Maximum length of a problem in characters; it may quote a value."""
_TEXT = f"{TAG}str"

Check = Callable[[Config, Document], Iterable[str]]
"""Returns one sentence a problem: where, what is wrong, what is allowed."""


@dataclass(frozen=True)
class Loaded:
    """A checked configuration with its origins."""

    config: Config
    document: Document


def load(
    path: Path,
    environ: Mapping[str, str] = os.environ,
    document: Document | None = None,
    checks: Sequence[Check] = (),
) -> Loaded:
    """Read and check a configuration file. Raises `ConfigError`, one line a problem.

    `document` is filled as far as reading got, so that a caller knows the files of a configuration that is refused.
    `checks` are those of parts that the configuration itself does not know.
    """
    document = Document() if document is None else document
    path = _resolved(path)
    _read(path, document, environ)
    if not document.data:
        raise ConfigError(f"{path}:1: holds no configuration; it is empty, was cut off, or has only comments")
    problems = list(document.missing)
    try:
        config = Config.model_validate(document.data)
    except ValidationError as error:
        problems += [explain(document, each) for each in error.errors()]
        raise ConfigError(_listed(problems)) from None
    problems += [problem for check in (conflicts, *checks) for problem in check(config, document)]
    if problems:
        raise ConfigError(_listed(problems))
    return Loaded(_absolute(fill(config, document), path.parent), document)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise ConfigError(f"{str(path)!r}: not a path of a file; check it, and the links in it") from None


def _listed(problems: Sequence[str]) -> str:
    """Return one line a problem, without control characters from values; not more than a screen."""
    lines = ["".join(c if c.isprintable() else "\ufffd" for c in each)[:_LONGEST_PROBLEM] for each in problems]
    shown, more = lines[:_MOST_PROBLEMS], len(lines) - _MOST_PROBLEMS
    return "\n".join([*shown, *([f"… and {more} more problems"] if more > 0 else [])])


def _read(file: Path, document: Document, environ: Mapping[str, str], place: str = "") -> None:
    """Read a file and its includes. `place`: where the include stands, with a colon and a space."""
    if file in document.files:
        raise ConfigError(f"{place}{file}: included twice; remove one of the includes")
    if len(document.files) >= _MAX_INCLUDES:
        raise ConfigError(f"{place}{file}: more than {_MAX_INCLUDES} files; join some of them")
    document.files.append(file)
    document.marks[file] = mark_of(file)
    try:
        document.texts[file] = read_text(file)
    except Unreadable as error:
        raise ConfigError(f"{place}{error}") from None
    root = parse_mapping(file, document.texts[file])
    if root is None:
        return
    for line, include in _includes(file, root):
        _read(_resolved(file.parent / include), document, environ, f"{file}:{line}: include: ")
    starts = {str(name.value): _length(document, str(name.value)) for name, _ in root.value}
    data = Plain(file, document, environ, starts).mapping(root)
    data.pop("include", None)
    _merge(data, document)


def _includes(file: Path, root: MappingNode) -> Iterator[tuple[int, str]]:
    """Yield line and path of each include."""
    for name, value in root.value:
        if name.value != "include" or (isinstance(value, ScalarNode) and value.tag == NULL):
            continue
        line = value.start_mark.line + 1
        if not isinstance(value, SequenceNode):
            raise ConfigError(f"{file}:{line}: include: must be a list of files, such as [models/onprem.yaml]")
        for each in value.value:
            if not isinstance(each, ScalarNode) or each.tag != _TEXT or not each.value:
                raise ConfigError(f"{file}:{each.start_mark.line + 1}: include: must be the path of a YAML file")
            yield each.start_mark.line + 1, each.value


def _length(document: Document, key: str) -> int:
    """Return the length of a list that included files began; further items are appended to it."""
    present = document.data.get(key)
    return len(present) if isinstance(present, list) else 0


def _merge(data: dict[str, Any], document: Document) -> None:
    """Merge data into the document: lists are joined, mappings merged; the including file has the last word."""
    for key, value in data.items():
        present = document.data.get(key)
        if isinstance(present, list | dict) and value is not None and type(present) is not type(value):
            raise ConfigError(f"{document.place((key,))}: {key}: an included file has a value of another kind here")
        if isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        elif isinstance(present, dict) and isinstance(value, dict):
            present.update(value)
        else:
            document.data[key] = value


def _absolute(config: Config, folder: Path) -> Config:
    return config.model_copy(update={"data_dir": (folder / config.data_dir).resolve()})
