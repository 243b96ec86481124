"""Read a configuration of LiteLLM with its includes, bounded as our own, with the place of each value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.config.document import Document, Key
from gateway.config.plain import Plain
from gateway.config.yaml_file import parse_mapping, read_text
from gateway.errors import ConfigError

_MOST_FILES = 100


class _Verbatim(Mapping[str, str]):
    """An environment in which each variable stands for itself, so that `${NAME}` stays as it is written."""

    def __getitem__(self, name: str) -> str:
        return f"${{{name}}}"

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass
class Source:
    """What the files say together: plain data, and the place of every key."""

    data: dict[str, Any] = field(default_factory=dict)
    document: Document = field(default_factory=Document)

    def section(self, name: str) -> dict[str, Any]:
        """Return a section that is a mapping; anything else is none."""
        found = self.data.get(name)
        return found if isinstance(found, dict) else {}

    def items(self, name: str) -> list[tuple[Key, dict[str, Any]]]:
        """Return the mappings in a section that is a list, with their keys."""
        found = self.data.get(name)
        rows = enumerate(found) if isinstance(found, list) else ()
        return [((name, number), each) for number, each in rows if isinstance(each, dict)]

    def place(self, key: Key) -> str:
        """Return file and line of a key."""
        place = self.document.place(key)
        return f"{place.file.name}:{place.line}"


def read(file: Path) -> Source:
    """Return what a file and its includes say; lists are joined, as LiteLLM joins them. Raises `ConfigError`."""
    source = Source()
    _read(file.resolve(), source)
    return source


def _read(file: Path, source: Source) -> None:
    document = source.document
    if file in document.files or len(document.files) >= _MOST_FILES:
        raise ConfigError(f"{file}: included twice, or one of more than {_MOST_FILES} files")
    document.files.append(file)
    root = parse_mapping(file, read_text(file))
    if root is None:
        return
    starts = {name: len(value) for name, value in source.data.items() if isinstance(value, list)}
    data = Plain(file, document, _Verbatim(), starts).mapping(root)
    includes = data.pop("include", None)
    for name, value in data.items():
        _join(source.data, name, value)
    for each in includes if isinstance(includes, list) else [includes] if includes else []:
        if not isinstance(each, str):
            raise ConfigError(f"{document.place(('include',))}: include: must be a list of files")
        _read((file.parent / each).resolve(), source)


def _join(data: dict[str, Any], name: str, value: Any) -> None:
    """Append a list to what other files say, add what a mapping has more; the including file has the last word."""
    present = data.get(name)
    if isinstance(present, list) and isinstance(value, list):
        present.extend(value)
    elif isinstance(present, dict) and isinstance(value, dict):
        data[name] = {**value, **present}
    elif present is None:
        data[name] = value
