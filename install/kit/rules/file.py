"""Rules about the file as a whole: its head, its imports, its class."""

import ast
import re
import sys
from collections.abc import Iterator

from install.kit.finding import Hit, hit
from install.kit.kinds import BY_CLASS
from install.kit.rules.open_webui import environment
from install.kit.source import FRONTMATTER, Source
from install.pack.plugin import REWRITTEN

NEEDED = ("title", "version", "description", "required_open_webui_version", "id")


def plugin_class(source: Source) -> Iterator[Hit]:
    found = [node for node in source.classes if node.name in BY_CLASS]
    if len(found) != 1:
        names = ", ".join(node.name for node in found)
        yield hit(found[1].lineno if found else 1, found=names or "none / なし")


def frontmatter_start(source: Source) -> Iterator[Hit]:
    if not source.lines or source.lines[0].strip() != '"""':
        yield hit(1)


def frontmatter_keys(source: Source) -> Iterator[Hit]:
    missing = [key for key in NEEDED if not source.frontmatter.get(key)]
    if missing and source.head:
        yield hit(1, keys=", ".join(missing))


def frontmatter_line(source: Source) -> Iterator[Hit]:
    yield from (hit(number) for number, line in source.head if line.strip() and not FRONTMATTER.match(line))


def frontmatter_version(source: Source) -> Iterator[Hit]:
    version = source.frontmatter.get("version")
    if version and not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield hit(source.line_of("version"), version=version)


def frontmatter_id(source: Source) -> Iterator[Hit]:
    id = source.frontmatter.get("id") or source.id
    if id != source.id or not id.isidentifier() or not id.isascii() or id != id.lower():
        yield hit(source.line_of("id"), id=id, file=source.path.name)


def requirements(source: Source) -> Iterator[Hit]:
    if "requirements" in source.frontmatter:
        yield hit(source.line_of("requirements"))


def rewritten_text(source: Source) -> Iterator[Hit]:
    for number, line in enumerate(source.lines, 1):
        for text in REWRITTEN:
            # `from utilities` is a word of which Open WebUI rewrites the beginning.
            if match := re.search(rf"{text}\w*", line):
                yield hit(number, text=text, module=match[0].split()[1])


def future_import(source: Source) -> Iterator[Hit]:
    yield from (hit(node.lineno) for node in _froms(source) if node.module == "__future__")


def foreign_import(source: Source) -> Iterator[Hit]:
    if "requirements" in source.frontmatter:
        return
    version, installed = environment()
    guarded = {id(node) for block in source.nodes if _survives(block) for node in ast.walk(block)}
    for node in source.nodes:
        for module in () if id(node) in guarded else _modules(node):
            if module not in sys.stdlib_module_names and module not in installed:
                yield hit(node.lineno, module=module, version=version)  # type: ignore[attr-defined]


def type_by_import(source: Source) -> Iterator[Hit]:
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {name.asname or name.name for name in node.names}
            yield from (hit(node.lineno, name=name) for name in sorted(names & BY_CLASS.keys()))


def print_call(source: Source) -> Iterator[Hit]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield hit(node.lineno)


def _froms(source: Source) -> Iterator[ast.ImportFrom]:
    yield from (node for node in source.nodes if isinstance(node, ast.ImportFrom))


def _modules(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name.split(".")[0] for name in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module.split(".")[0]]
    return []


def _survives(node: ast.AST) -> bool:
    """Return whether a `try` goes on without the module that it imports."""
    return isinstance(node, ast.Try) and any(
        handler.type is None or re.search(r"\b(ImportError|ModuleNotFoundError|Exception)\b", ast.unparse(handler.type))
        for handler in node.handlers
    )
