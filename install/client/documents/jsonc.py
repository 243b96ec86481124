"""JSON with comments and trailing commas: read with positions, changed in place.

Own code, as no kept library changes such a file and leaves the rest as it is: json-five takes the place of the package
`json5` that others need, jsonc-edit starts Node, and the parsers of JSONC drop the comments when they write.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from install.client.documents.changes import Change

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')
_DEEPEST = 64


class Malformed(ValueError):
    """Raised with the line (from 1) at which a file cannot be read."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"line {line}")


@dataclass(slots=True)
class Node:
    """A value and where it stands in the text."""

    start: int
    end: int = 0
    value: Any = None
    children: "dict[str, Node] | list[Node] | None" = None
    starts: dict[str, int] = field(default_factory=dict)
    """Where the key of each member begins."""


def parse(text: str) -> Any:
    """Return the content; an empty text is an empty object. Raises `Malformed`."""
    return _value(_tree(text)) if text[_after_blank(text, 0) :] else {}


def edit(text: str, changes: list[Change]) -> str:
    """Return the text with changes made; everything else stays as it is, comments too."""
    text = text if text[_after_blank(text, 0) :] else f"{text}{{}}\n"
    for change in changes:
        text = _made(text, change)
    return text


def dump(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _made(text: str, change: Change) -> str:
    root = _tree(text)
    if not change.path:
        return text[: root.start] + _written(change.value, 0, _unit(text, root)) + text[root.end :]
    *above, last = change.path
    holder = root
    for step in above:
        holder = holder.children[step]  # type: ignore[index]
    if change.removes:
        return _without(text, holder, str(last))
    depth, unit = len(above) + 1, _unit(text, root)
    found = _child(holder, last)
    if found:
        return text[: found.start] + _written(change.value, depth, unit) + text[found.end :]
    name = f"{json.dumps(last, ensure_ascii=False)}: " if isinstance(last, str) else ""
    return _appended(text, holder, name + _written(change.value, depth, unit), depth, unit)


def _child(holder: Node, step: str | int) -> Node | None:
    if isinstance(holder.children, dict):
        return holder.children.get(str(step))
    assert isinstance(holder.children, list)
    assert isinstance(step, int)
    return holder.children[step] if step < len(holder.children) else None


def _appended(text: str, holder: Node, member: str, depth: int, unit: str) -> str:
    """Return the text with one member more at the end of an object or list."""
    close = holder.end - 1
    inside = list(_nodes(holder))
    begin = inside[-1].end if inside else holder.start + 1
    comma = _after_blank(text, begin) if inside else close
    trailing = text[comma] == ","
    place = len(text[:close].rstrip())
    after = "" if "\n" in text[place:close] else "\n" + unit * (depth - 1)
    new = f"\n{unit * depth}{member}{',' if trailing else ''}{after}"
    rest = text[place:close] if not after else ""
    middle = text[begin:place]
    return text[:begin] + ("," if inside and not trailing else "") + middle + new + rest + text[close:]


def _without(text: str, holder: Node, key: str) -> str:
    """Return the text without a member, its comma, and the line where nothing else stands."""
    assert isinstance(holder.children, dict)
    start, end = holder.starts[key], holder.children[key].end
    comma = _after_blank(text, end)
    if text[comma] == ",":
        end = comma + 1
    elif before := [each.end for each in holder.children.values() if each.end < start]:
        comma = _after_blank(text, max(before))
        text = text[:comma] + text[comma + 1 :]
        start, end = start - 1, end - 1
    line, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    alone = not text[line:start].strip() and stop >= 0 and not text[end:stop].strip()
    return text[:line] + text[stop + 1 :] if alone else text[:start].rstrip(" ") + text[end:]


def _written(value: Any, depth: int, unit: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=unit).split("\n")
    return f"\n{unit * depth}".join(lines)


def _unit(text: str, root: Node) -> str:
    """Return the indentation of the first member, two spaces where there is none."""
    first = next(_nodes(root), None)
    if first is None:
        return "  "
    begin = min(root.starts.values(), default=first.start)
    blank = text[text.rfind("\n", 0, begin) + 1 : begin]
    return blank if blank and not blank.strip() else "  "


def _nodes(holder: Node) -> Iterator[Node]:
    children = holder.children
    yield from sorted(children.values() if isinstance(children, dict) else children or (), key=lambda node: node.start)


def _value(node: Node) -> Any:
    if isinstance(node.children, dict):
        return {key: _value(child) for key, child in node.children.items()}
    if isinstance(node.children, list):
        return [_value(child) for child in node.children]
    return node.value


def _tree(text: str) -> Node:
    root = _node(text, _after_blank(text, 0), 0)
    end = _after_blank(text, root.end)
    if end < len(text):
        raise _malformed(text, end)
    return root


def _after_blank(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place


def _node(text: str, place: int, depth: int) -> Node:
    if depth > _DEEPEST:
        raise _malformed(text, place)
    mark = text[place : place + 1]
    if mark == "{":
        return _object(text, place, depth)
    if mark == "[":
        return _list(text, place, depth)
    found = _SCALAR.match(text, place)
    if found is None:
        raise _malformed(text, place)
    try:
        return Node(place, found.end(), json.loads(found[0]))
    except ValueError:
        raise _malformed(text, place) from None


def _object(text: str, start: int, depth: int) -> Node:
    members: dict[str, Node] = {}
    made = Node(start, children=members)
    place = _after_blank(text, start + 1)
    while text[place : place + 1] != "}":
        key = _node(text, place, depth)
        colon = _after_blank(text, key.end)
        if not isinstance(key.value, str) or text[colon : colon + 1] != ":":
            raise _malformed(text, place)
        members.pop(key.value, None)
        members[key.value] = _node(text, _after_blank(text, colon + 1), depth + 1)
        made.starts[key.value] = place
        place = _next(text, members[key.value].end, "}")
    made.end = place + 1
    return made


def _list(text: str, start: int, depth: int) -> Node:
    items: list[Node] = []
    place = _after_blank(text, start + 1)
    while text[place : place + 1] != "]":
        items.append(_node(text, place, depth + 1))
        place = _next(text, items[-1].end, "]")
    return Node(start, place + 1, children=items)


def _next(text: str, end: int, close: str) -> int:
    """Return where the next member begins, or the closing bracket stands."""
    place = _after_blank(text, end)
    if text[place : place + 1] == ",":
        return _after_blank(text, place + 1)
    if text[place : place + 1] != close:
        raise _malformed(text, place)
    return place


def _malformed(text: str, place: int) -> Malformed:
    return Malformed(text.count("\n", 0, place) + 1)
