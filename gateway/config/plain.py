"""Convert YAML nodes to plain data: resolve merge keys and `${NAME}`s, note the place of every value."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config.document import Document, Key, Place
from gateway.errors import ConfigError

MOST_VALUES = 200_000
"""Maximum number of values of all files, aliases expanded: a few lines could stand for billions."""
_DEEPEST = 32

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
TAG = "tag:yaml.org,2002:"
_NUMBERS = {"int": "construct_yaml_int", "float": "construct_yaml_float", "bool": "construct_yaml_bool"}
_TEXTS = ("str", "timestamp")
"""Dates keep their written form, so that the schema alone decides."""


@dataclass
class Plain:
    """Converts the nodes of one file. `starts`: where included lists that are continued already end."""

    file: Path
    document: Document
    environ: Mapping[str, str]
    starts: Mapping[str, int] = field(default_factory=dict)

    def mapping(self, node: MappingNode, key: Key = ()) -> dict[str, Any]:
        """Return a mapping's values. Raises `ConfigError` for anything but text as a key, and keys written twice."""
        found: dict[str, Any] = {}
        for name, name_node, value in self._pairs(node, len(key)):
            self._note((*key, name), name_node)
            found[name] = self._value(value, (*key, name))
        return found

    def _pairs(self, node: MappingNode, depth: int) -> Iterator[tuple[str, Node, Node]]:
        """Return a mapping's own keys and those merged by `<<`, which own and earlier ones override."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: list[MappingNode] = []
        for name_node, value in node.value:
            if str(name_node.tag) == f"{TAG}merge":
                merged += self._merged(value)
                continue
            name = self._name(name_node)
            if name in own:
                raise self._error(name_node, f"{name}: the same key is written twice; remove one of them")
            own[name] = (name_node, value)
        for other in merged:
            self._count(other, depth)
            own = {name: (at, value) for name, at, value in self._pairs(other, depth + 1)} | own
        for name, (name_node, value) in own.items():
            yield name, name_node, value

    def _merged(self, node: Node) -> list[MappingNode]:
        """Yield the mappings that `<<` names; earlier ones have priority."""
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        if not all(isinstance(each, MappingNode) for each in nodes):
            raise self._error(node, "<<: must name mappings, such as '<<: *defaults'")
        return list(nodes)

    def _name(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise self._error(node, "a key must be text")
        return str(node.value)

    def _value(self, node: Node, key: Key) -> Any:
        self._count(node, len(key))
        if isinstance(node, MappingNode):
            return self.mapping(node, key)
        if isinstance(node, SequenceNode):
            return self._list(node, key)
        return self._scalar(node, key)

    def _list(self, node: SequenceNode, key: Key) -> list[Any]:
        start = self.starts.get(str(key[0]), 0) if len(key) == 1 else 0
        for index, each in enumerate(node.value, start):
            self._note((*key, index), each)
        return [self._value(each, (*key, index)) for index, each in enumerate(node.value, start)]

    def _scalar(self, node: Node, key: Key) -> Any:
        tag = str(node.tag).removeprefix(TAG)
        if tag == "null":
            return None
        if tag in _NUMBERS:
            return self._number(node, key, _NUMBERS[tag])
        if tag not in _TEXTS:
            raise self._error(
                node, f"{_dotted(key)}: the tag '{str(node.tag)[:60]}' is not allowed; write plain values"
            )
        return self._filled(str(node.value), node, key)

    def _number(self, node: Node, key: Key, constructor: str) -> Any:
        try:
            return getattr(_constructor(), constructor)(node)
        except (ValueError, OverflowError, KeyError, IndexError):
            raise self._error(node, f"{_dotted(key)}: not a number that can be read") from None

    def _filled(self, text: str, node: Node, key: Key) -> str:
        if "${" not in text:
            return text
        names = tuple(_VARIABLE.findall(text))
        place = self.document.place(key)
        self.document.places[key] = Place(place.file, place.line, names)
        for name in names:
            if name not in self.environ:
                self.document.missing.append(
                    f"{place}: {_dotted(key)}: the environment variable {name} is not set; "
                    f"set it, or write the value into the file"
                )
        if "${" in _VARIABLE.sub("", text):
            raise self._error(node, f"{_dotted(key)}: '${{' begins no variable; write ${{NAME}} without other signs")
        return _VARIABLE.sub(lambda match: self.environ.get(match[1], ""), text)

    def _note(self, key: Key, node: Node) -> None:
        self.document.places[key] = Place(self.file, node.start_mark.line + 1)

    def _count(self, node: Node, depth: int) -> None:
        self.document.values += 1
        if self.document.values > MOST_VALUES:
            raise self._error(node, f"more than {MOST_VALUES:,} values, with what aliases repeat; write less")
        if depth > _DEEPEST:
            raise self._error(node, f"nested deeper than {_DEEPEST} levels, or an alias that holds itself")

    def _error(self, node: Node, words: str) -> ConfigError:
        return ConfigError(f"{self.file}:{node.start_mark.line + 1}: {words}")


@cache
def _constructor() -> Any:
    """Return what reads numbers; to make one looks for plugins on the disk."""
    return YAML(typ="safe", pure=True).constructor


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)
