"""Which valves a plugin file declares. The file is parsed, never imported."""

import ast
from collections.abc import Iterator, Mapping

CLASSES = ("Filter", "Pipe", "Action", "Tools")
NO_FIELDS = ("BaseModel", "pydantic.BaseModel")
OPEN_SETTINGS = ("extra", "alias", "validation_alias", "alias_generator")
"""With these settings a class takes names that its fields do not show."""


def declared_valves(content: str) -> Mapping[str, str] | None:
    """Return the annotation of each valve by name; None = the file does not tell."""
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return None
    if "Valves" not in content:
        return {}
    plugin = next((node for node in _classes(module.body) if node.name in CLASSES), None)
    if plugin is None:
        return None
    classes = {node.name: node for node in (*_classes(module.body), *_classes(plugin.body))}
    inner = {node.name: node for node in _classes(plugin.body)}
    return _fields(inner["Valves"], classes, frozenset()) if "Valves" in inner else None


def _classes(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    return (node for node in body if isinstance(node, ast.ClassDef))


def _fields(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef], seen: frozenset[str]) -> dict[str, str] | None:
    if cls.name in seen or _takes_other_names(cls):
        return None
    found: dict[str, str] = {}
    for base in map(ast.unparse, cls.bases):
        if base in NO_FIELDS:
            continue
        inherited = _fields(classes[base], classes, seen | {cls.name}) if base in classes else None
        if inherited is None:
            return None
        found |= inherited
    return found | dict(_own(cls))


def _takes_other_names(cls: ast.ClassDef) -> bool:
    settings = {node.arg for node in ast.walk(cls) if isinstance(node, ast.keyword)}
    keys = {node.value for node in ast.walk(cls) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    written = "model_config" in {node.id for node in ast.walk(cls) if isinstance(node, ast.Name)}
    return bool(settings & {*OPEN_SETTINGS} or (written and keys & {*OPEN_SETTINGS}))


def _own(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for node in cls.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if not name.startswith("_"):
                if not (type_text := ast.unparse(annotation)).startswith(("ClassVar", "typing.ClassVar")):
                    yield name, type_text
