"""A YAML file as plain values: of bounded size, without tags, and nothing that JSON cannot carry."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from install.errors import ManifestError
from install.wording import reason_of, say

LARGEST = 1_000_000
"""Bytes."""
DEEPEST = 40
MOST = 100_000
"""Values, anchors counted each time they are used."""
WIDEST = 2**63
PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null")}

Keys = tuple[str | int, ...]


def read_yaml(path: Path) -> tuple[Any, Any]:
    """Return the file as plain values, and the tree that knows its lines. Raises `ManifestError`."""
    tree = _parsed(path, _text(path))
    left = iter(range(MOST))
    return _plain(tree, (), path, tree, left), tree


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ManifestError(
            str(path), say("cannot be read ({reason})", reason=reason_of(error)), say("an existing YAML file")
        ) from error
    if len(content) > LARGEST:
        raise ManifestError(
            str(path), say("is too large"), say("a YAML file of at most {largest:,} bytes", largest=LARGEST)
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(str(path), say("is not UTF-8 text"), say("a YAML file in UTF-8")) from error


def _parsed(path: Path, text: str) -> Any:
    try:
        return YAML().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ManifestError(
            f"{path}:{line}", say("not YAML: {problem}", problem=error.problem), say("YAML 1.2")
        ) from error
    except YAMLError as error:
        raise ManifestError(
            str(path), say("has a control character or another that YAML forbids"), say("YAML 1.2")
        ) from error
    except RecursionError as error:
        raise ManifestError(str(path), say("is nested too deeply"), say("{deepest} levels", deepest=DEEPEST)) from error
    except (ValueError, TypeError, AttributeError, LookupError, NotImplementedError) as error:
        raise ManifestError(
            str(path), say("holds a number, date or tag that cannot be read"), say("YAML 1.2")
        ) from error


def _plain(value: Any, keys: Keys, path: Path, tree: Any, left: Iterator[int]) -> Any:
    if len(keys) > DEEPEST:
        raise _wrong(path, tree, keys, say("is nested too deeply"), say("{deepest} levels", deepest=DEEPEST))
    if next(left, None) is None:
        raise _wrong(
            path,
            tree,
            keys,
            say("the file holds too many values"),
            say("{most:,}, anchors counted at each use", most=MOST),
        )
    if _tag(value):
        raise _wrong(path, tree, keys, say("has the tag {tag}", tag=_tag(value)[:60]), say("values without tags"))
    if isinstance(value, dict):
        return {
            _key(key, keys, path, tree): _plain(each, (*keys, key), path, tree, left) for key, each in value.items()
        }
    if isinstance(value, list):
        return [_plain(each, (*keys, index), path, tree, left) for index, each in enumerate(value)]
    return _scalar(value, keys, path, tree)


def _scalar(value: Any, keys: Keys, path: Path, tree: Any) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return _clean(str(value), keys, path, tree)
        case int() if -WIDEST <= value < WIDEST:
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case int() | float():
            raise _wrong(
                path, tree, keys, say("is no number that can be stored"), say("finite numbers, integers of 64 bits")
            )
    raise _wrong(path, tree, keys, say("is no text, number or switch; put it between quotes"), say("plain values"))


def _key(key: Any, keys: Keys, path: Path, tree: Any) -> str:
    if not isinstance(key, str):
        raise _wrong(path, tree, keys, say("has a key that is no text"), say("names as keys"))
    return _clean(str(key), keys, path, tree)


def _clean(text: str, keys: Keys, path: Path, tree: Any) -> str:
    if any(_is_control(char) for char in text):
        raise _wrong(path, tree, keys, say("has a control character in it"), say("text"))
    return text


def _is_control(char: str) -> bool:
    return (char < " " and char not in "\n\t\r") or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff"


def _tag(value: Any) -> str:
    tag = getattr(value, "tag", None)
    found = getattr(tag, "value", tag)
    return str(found) if found and str(found) not in PLAIN_TAGS else ""


def _wrong(path: Path, tree: Any, keys: Keys, problem: str, allowed: str) -> ManifestError:
    name = ".".join(str(key)[:60] for key in keys[:6]) or say("the file")
    return ManifestError(f"{path}:{line_of(tree, keys)}", f"{name}: {problem}", allowed)


def line_of(tree: Any, keys: Keys) -> int:
    """Return the line of the deepest key that is in the file; ruamel counts from 0."""
    line = 1
    for key in keys:
        position = getattr(getattr(tree, "lc", None), "data", None) or {}
        if key in position:
            line = position[key][0] + 1
        if not _has(tree, key):
            break
        tree = tree[key]
    return line


def _has(tree: Any, key: str | int) -> bool:
    if isinstance(tree, dict):
        return key in tree
    return isinstance(tree, list) and isinstance(key, int) and key < len(tree)
