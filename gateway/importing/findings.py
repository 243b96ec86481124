"""What became of each setting of the file: every value is told of in exactly one finding."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from gateway.config.document import Key
from gateway.importing.source import Source

Kind = Literal["exact", "approximate", "manual", "unsupported"]
KINDS: tuple[Kind, ...] = ("exact", "approximate", "manual", "unsupported")


class Finding(msgspec.Struct, frozen=True):
    """What became of a setting. Never quotes its value."""

    kind: Kind
    key: Key
    place: str
    """File and line."""
    words: str

    @property
    def dotted(self) -> str:
        """Return the key as people write it, without what cannot be printed."""
        text = ".".join(str(part)[:80] for part in self.key)
        return "".join(each if each.isprintable() else "\ufffd" for each in text)


_DEPTH, _DEPTHS = 2, {"model_list": 4, "mcp_servers": 3}
"""How deep settings stand: `general_settings.NAME`, `model_list.0.litellm_params.NAME`."""


@dataclass
class Findings:
    """The findings of one file, in the order of its keys at the end."""

    source: Source
    _told: dict[Key, Finding] = field(default_factory=dict)
    """By leaf."""

    def add(self, kind: Kind, key: Key, words: str) -> None:
        """Tell what became of a key and all below it; of values that were told of already the first finding holds."""
        leaves = list(_leaves(_at(self.source.data, key), key))
        left = [leaf for leaf in leaves if leaf not in self._told]
        whole = len(left) == len(leaves)
        for leaf in left:
            named = key if whole else leaf
            self._told[leaf] = Finding(kind, named, self.source.place(named), words)

    def complete(self) -> list[Finding]:
        """Return all findings; what nobody told of is not known here."""
        leaves = list(_leaves(self.source.data, ()))
        for leaf in leaves:
            if leaf not in self._told:
                depth = _DEPTHS.get(str(leaf[0]), _DEPTH)
                self.add("unsupported", leaf[:depth], "not known here; it is left out")
        order = {leaf: number for number, leaf in enumerate(leaves)}
        told = sorted(self._told.items(), key=lambda pair: order.get(pair[0], len(order)))
        return list({finding.key: finding for _, finding in told}.values())


def _at(data: Any, key: Key) -> Any:
    for part in key:
        data = data[part]
    return data


def _leaves(node: Any, key: Key) -> Iterator[Key]:
    """Yield the keys of all values that hold no others."""
    children: list[tuple[str | int, Any]] = []
    if isinstance(node, dict):
        children = list(node.items())
    elif isinstance(node, list):
        children = list(enumerate(node))
    if not children:
        yield key
    for name, value in children:
        yield from _leaves(value, (*key, name))
