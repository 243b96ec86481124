"""Rules about settings: that they load, and that a new version keeps what administrators stored."""

import ast
import difflib
from collections.abc import Iterator

from install.kit.finding import Hit, hit
from install.kit.source import Source

CLASSES = ("Valves", "UserValves")


def valves_not_set(source: Source) -> Iterator[Hit]:
    if source.plugin_class and source.valves():
        written = ast.unparse(source.plugin_class)
        if "self.valves =" not in written and "self.valves:" not in written:
            yield hit(source.plugin_class.lineno)


def valve_default(source: Source) -> Iterator[Hit]:
    for cls in CLASSES:
        for name, field in source.valves(cls).items():
            if field.value is None or _is_required(field.value):
                yield hit(field.lineno, name=name)


def valve_lost(source: Source, former: Source) -> Iterator[Hit]:
    for cls in CLASSES:
        now, before = source.valves(cls), former.valves(cls)
        new = [name for name in now if name not in before]
        for name in before.keys() - now.keys():
            yield hit(_line(source), name=name, maybe=_renamed(name, before, now, new))


def valve_type(source: Source, former: Source) -> Iterator[Hit]:
    for cls in CLASSES:
        now, before = source.valves(cls), former.valves(cls)
        for name in now.keys() & before.keys():
            was, becomes = (ast.unparse(fields[name].annotation) for fields in (before, now))
            if was != becomes and not _wider(before[name].annotation, now[name].annotation):
                yield hit(now[name].lineno, name=name, before=was, after=becomes)


def _is_required(value: ast.expr) -> bool:
    """Return whether a valve has `Field(…)` with an ellipsis, or without a default."""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "Field"):
        return isinstance(value, ast.Constant) and value.value is ...
    if value.args:
        return isinstance(value.args[0], ast.Constant) and value.args[0].value is ...
    return not {"default", "default_factory"} & {keyword.arg for keyword in value.keywords}


def _renamed(name: str, before: dict[str, ast.AnnAssign], now: dict[str, ast.AnnAssign], new: list[str]) -> str:
    """Return the new field that an old one may have become."""
    alike = [each for each in new if ast.unparse(now[each].annotation) == ast.unparse(before[name].annotation)]
    close = difflib.get_close_matches(name, alike, n=1) or alike[:1]
    return f" (→ {close[0]}?)" if close else ""


def _wider(before: ast.expr, after: ast.expr) -> bool:
    """Return whether every value that fitted still fits: int to float, X to X | None, a Literal with more values."""
    if ast.unparse(before) == "int" and ast.unparse(after) == "float":
        return True
    return set(_choices(before)) <= set(_choices(after))


def _choices(annotation: ast.expr) -> Iterator[str]:
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from (*_choices(left), *_choices(right))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
            yield from (ast.unparse(value) for value in values)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
            yield ast.unparse(value)
        case _:
            yield ast.unparse(annotation)


def _line(source: Source) -> int:
    inner = source.plugin_class.body if source.plugin_class else []
    return next((node.lineno for node in inner if isinstance(node, ast.ClassDef) and node.name == "Valves"), 1)
