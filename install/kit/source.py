"""A plugin file as text and as a tree. It is read, never imported."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from install.errors import InstallError
from install.kit.kinds import BY_CLASS, KINDS, Kind

LARGEST = 2_000_000
"""Bytes; larger than any plugin."""

FRONTMATTER = re.compile(r"^\s*([a-z_]+):\s*(.*)\s*$", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """`path` gives the id; `text` may be an older version of the file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def id(self) -> str:
        return self.path.stem

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def head(self) -> list[tuple[int, str]]:
        """Numbered lines of the opening docstring, read as Open WebUI reads them; empty where it reads none."""
        if not self.lines or self.lines[0].strip() != '"""':
            return []
        rest = list(enumerate(self.lines[1:], 2))
        ends = next((index for index, (_, line) in enumerate(rest) if '"""' in line), len(rest))
        return rest[:ends]

    @cached_property
    def frontmatter(self) -> Mapping[str, str]:
        found = (FRONTMATTER.match(line) for _, line in self.head)
        return {match[1]: match[2].strip() for match in found if match}

    def line_of(self, key: str) -> int:
        """Return the line of the frontmatter that has this key."""
        return next((number for number, line in self.head if line.strip().startswith(f"{key}:")), 1)

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        return [node for node in self.tree.body if isinstance(node, ast.ClassDef)]

    @cached_property
    def plugin_class(self) -> ast.ClassDef | None:
        """The class of which Open WebUI makes an instance."""
        found = {node.name: node for node in self.classes}
        return next((found[kind.cls] for kind in KINDS if kind.cls in found), None)

    @property
    def kind(self) -> Kind | None:
        return BY_CLASS[self.plugin_class.name] if self.plugin_class else None

    @cached_property
    def methods(self) -> list[Function]:
        return [node for node in self.plugin_class.body if isinstance(node, Function)] if self.plugin_class else []

    @cached_property
    def hooks(self) -> list[Function]:
        """Functions that Open WebUI calls: a kind's hooks; of tools every public method."""
        if not self.kind:
            return []
        if self.kind.is_tool:
            return [method for method in self.methods if not method.name.startswith("_")]
        return [method for method in self.methods if method.name in self.kind.hooks]

    def valves(self, cls: str = "Valves") -> dict[str, ast.AnnAssign]:
        """Return the annotated fields of a class within the plugin's class."""
        inner = self.plugin_class.body if self.plugin_class else []
        found = [node for node in inner if isinstance(node, ast.ClassDef) and node.name == cls]
        fields = [field for node in found for field in node.body if isinstance(field, ast.AnnAssign)]
        return {field.target.id: field for field in fields if isinstance(field.target, ast.Name)}

    def table(self, name: str) -> tuple[int, Any] | None:
        """Return line and value of the module's literal with this name; the value is None if it is no literal."""
        for node in self.tree.body:
            target, value = _assigned(node)
            if target == name and value is not None:
                try:
                    return node.lineno, ast.literal_eval(value)
                except (ValueError, TypeError):
                    return node.lineno, None
        return None

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def functions(self) -> Iterator[Function]:
        yield from (node for node in self.nodes if isinstance(node, Function))


def _assigned(node: ast.stmt) -> tuple[str | None, ast.expr | None]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            return name, value
    return None, None


def read(path: Path) -> str:
    """Read a plugin file. Raises `InstallError`."""
    try:
        if path.stat().st_size > LARGEST:
            raise _unreadable(path, f"it is larger than {LARGEST:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, why: str) -> InstallError:
    return InstallError(f"{path} cannot be read: {why}.", "Check the path; the file has to be UTF-8 text.")


def parse(path: Path, text: str) -> Source:
    """Parse a plugin's text. Raises `SyntaxError`."""
    try:
        return Source(path, text, ast.parse(text))
    except (ValueError, RecursionError) as error:  # a NUL byte, or nested beyond reason
        raise SyntaxError(str(error)) from error
