"""The parts of `gateway/` (its folders and top modules) import only what stands below them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent

LAYERS = (
    ("casing", "cli_options", "errors", "fair_queue", "files", "ids", "keepalive"),
    ("presets", "redaction", "retries", "secret"),
    ("attribute_docs", "bodies", "failures", "latest_wins", "project", "tls", "wire", "wording"),
    ("lenient", "upstream"),
    ("fetching",),
    ("dialects", "payload", "profiles"),
    ("providers", "translation"),
    ("config",),
    ("db", "demand", "pricing"),
    ("audit",),
    ("identity",),
    ("ledger", "network", "routing"),
    ("admission", "affinity", "credentials", "plan", "refusals", "serving", "spending", "tracing"),
    ("limits", "maintenance", "metrics"),
    ("continuations", "notices"),
    ("importing", "preflight", "runtime"),
    ("reload", "reports", "sessions"),
    ("api",),
    ("mcp", "oauth", "openapi"),
    ("signin",),
    ("console",),
    ("app",),
    ("server",),
    ("commands",),
    ("__main__",),
)
"""From the lowest to the highest. A file imports its own part and parts of lower layers, nothing else."""

_LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}


def test_each_part_has_one_place_in_the_order() -> None:
    present = {_part(path, ROOT) for path in ROOT.rglob("*.py")} - {"__init__"}

    assert sorted(_LAYER) == sorted(part for parts in LAYERS for part in parts), "a part stands in two layers"
    assert present == set(_LAYER), "add new parts to LAYERS, delete those that are gone"


def test_imports_go_downhill() -> None:
    uphill = [edge for edge in _edges(ROOT) if not _downhill(*edge[:2])]

    assert not uphill, "move what both need below both, or the import above what it needs"


@pytest.mark.parametrize(
    "planted",
    [
        "from gateway.api import usage",
        "from gateway import api",
        "import gateway.api.usage",
        "from ..api import usage",
        "def late() -> None:\n    from gateway.api.usage import MyUsage",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gateway.api.usage import MyUsage",
    ],
)
def test_a_planted_import_is_found(planted: str, tmp_path: Path) -> None:
    for name in ("config/schema.py", "api/usage.py"):
        (tmp_path / "gateway" / name).parent.mkdir(parents=True)
        (tmp_path / "gateway" / name).write_text("")
    assert not list(_edges(tmp_path / "gateway"))

    (tmp_path / "gateway" / "config" / "schema.py").write_text(planted)

    (found,) = {edge[:2] for edge in _edges(tmp_path / "gateway")}
    assert found == ("config", "api")
    assert not _downhill(*found)


def _downhill(importing: str, imported: str) -> bool:
    return _LAYER[imported] < _LAYER[importing]


def _edges(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (importing part, imported part, file and line) for each import between two parts of a package."""
    for path in root.rglob("*.py"):
        importing = _part(path, root)
        package = path.relative_to(root.parent).parent.parts
        for node in ast.walk(ast.parse(path.read_text())):
            for name in _imported(node, package):
                imported = name.split(".")[1]
                if imported != importing:
                    yield importing, imported, f"{path.relative_to(root)}:{node.lineno}"  # type: ignore[attr-defined]


def _imported(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    """Return the full names in `gateway` that a statement imports; `package` is where its file stands."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = [*package[: len(package) - node.level + 1]] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        names = [f"{module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.startswith("gateway.")]


def _part(path: Path, root: Path) -> str:
    return path.relative_to(root).parts[0].removesuffix(".py")


def test_one_place_makes_the_records_of_requests() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Record"
    ]
    assert found == ["ledger/recorder.py"]
