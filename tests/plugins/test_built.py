"""The built plugins are what their sources give, and hold one version of what they share."""

import ast
import tomllib
from pathlib import Path

import pytest

from install.pack.plugin import REWRITTEN
from plugins.build import build
from tests.injections import INJECTIONS, UNSEEN, unseen

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted((ROOT / "plugins").glob("*/plugin.toml"))
FOLDERS = ("filters", "pipes", "tools", "functions")
BUILT = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))

every_manifest = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.parent.name)
every_plugin = pytest.mark.parametrize("path", BUILT, ids=lambda path: path.stem)

SEEN = "宿泊費の上限は\t12,000円。\nNaïve – “quoted” 葛\u3000か\u3099 😀 §"


SOURCES = sorted(path for path in (ROOT / "plugins").rglob("*.py") if path.parent != ROOT / "plugins")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts)


def modules_of(manifest: Path) -> list[str]:
    modules: list[str] = tomllib.loads(manifest.read_text(encoding="utf-8"))["modules"]
    return modules


@every_manifest
def test_a_built_file_is_what_its_sources_give(manifest: Path) -> None:
    path, text = build(manifest)
    assert path.read_text(encoding="utf-8") == text, "run `make plugins`"
    lines = text.splitlines()
    assert lines[0] == '"""'
    assert f"plugins/{manifest.parent.name}" in lines[lines.index('"""', 1) + 2], "it says what it is built from"
    assert not any(words in text for words in REWRITTEN)


def test_every_plugin_has_sources_and_every_source_is_joined() -> None:
    assert sorted(build(manifest)[0] for manifest in MANIFESTS) == BUILT
    joined = {module for manifest in MANIFESTS for module in modules_of(manifest)}
    assert joined == {name_of(path) for path in SOURCES if path.name not in ("__init__.py", "declarations.py")}


@every_manifest
def test_a_plugin_takes_only_its_own_modules_and_shared_ones(manifest: Path) -> None:
    assert {module.split(".")[0] for module in modules_of(manifest)} <= {manifest.parent.name, "shared"}


def test_what_is_shared_is_defined_once() -> None:
    """A module of one plugin that defines what another one does too, letter for letter, is a copy that will drift."""
    found: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.setdefault(ast.unparse(node), []).append(f"{path.parent.name}/{path.stem}: {node.name}")
    assert [places for places in found.values() if len(places) > 1] == []


@every_plugin
def test_nothing_hidden_passes(path: Path) -> None:
    """`visible` of a plugin takes out what a person does not see; no plugin has a way of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wanted = ("INVISIBLE", "LINE_BREAK", "visible")
    found = [node for node in tree.body if (getattr(node, "name", "") or _target(node)) in wanted]
    patterns = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and _is_pattern(node.value)]
    assert bool(found) == bool(patterns), "only the shared pattern names invisible characters"
    if found:
        names: dict[str, object] = {"re": __import__("re")}
        exec(compile(ast.Module(found, []), path.name, "exec"), names)
        visible = names["visible"]
        assert callable(visible)
        assert len(patterns) == 1
        hidden = "".join(chr(code) for first, last in UNSEEN for code in range(first, last + 1))
        assert visible(f"a{hidden}b") == "ab"
        assert visible(SEEN) == SEEN
        assert visible("a\r\nb\rc\x0cd\x0be\x85f") == "a\nb\nc\nd\ne\nf"
        assert [code for text in INJECTIONS for code in unseen(visible(text))] == []


def _target(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _is_pattern(value: object) -> bool:
    """A character class that names invisible characters, written as such or as escapes."""
    return isinstance(value, str) and ("\u200b" in value or "\\u200b" in value)
