"""Our plugins keep the rules of the kit, which every plugin should, and a few that are this pack's own."""

import ast
from pathlib import Path
from typing import Any

import pytest

from install.kit.check import check
from tests.fixtures.plugin_host import ROOT, PluginHost

FOLDERS = ("filters", "pipes", "tools", "functions")
PLUGINS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))
FILTERS = [path for path in PLUGINS if path.parent.name == "filters"]
FUNCTIONS = [path for path in PLUGINS if path.parent.name != "tools"]
KINDS = {"filters": ("filter",), "pipes": ("pipe",), "functions": ("action", "event")}

every_plugin = pytest.mark.parametrize("path", PLUGINS, ids=lambda path: f"{path.parent.name}/{path.stem}")
every_function = pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def frontmatter(source: str) -> dict[str, str]:
    head = source.split('"""')[1]
    return dict(line.split(": ", 1) for line in head.strip().splitlines())


def i18n(path: Path) -> dict[str, dict[str, str]]:
    """As the installer reads it: without running the file."""
    for node in ast.parse(read(path)).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "I18N":
            assert node.value
            return dict(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no I18N")


def test_there_are_plugins() -> None:
    names = {"full_text", "user_identity", "context_guard", "usage_line", "mcp_bridge", "notices"}
    assert {path.stem for path in FILTERS} == names


def test_plugin_folders_are_not_packages() -> None:
    assert [str(path) for folder in FOLDERS for path in (ROOT / folder).glob("**/__init__.py")] == []


@every_plugin
def test_every_rule_of_the_kit_holds(path: Path) -> None:
    assert [f"line {each.line}: {each.rule}: {each.problem()} {each.remedy()}" for each in check(path)] == []


@every_plugin
def test_frontmatter_is_that_of_the_pack(path: Path) -> None:
    keys = frontmatter(read(path))
    assert {"title", "author", "version", "license", "description", "required_open_webui_version", "id"} == set(keys)
    assert (keys["author"], keys["license"], keys["required_open_webui_version"]) == ("Sekisho", "MIT", "0.12.4")


def wanted_keys(schemas: dict[str, Any]) -> set[str]:
    keys = {"name", "description"}
    for cls, prefix in (("Valves", "valves"), ("UserValves", "user_valves")):
        for name, rules in schemas.get(cls, {}).get("properties", {}).items():
            keys |= {f"{prefix}.{name}.title", f"{prefix}.{name}.description"}
            keys |= {f"{prefix}.{name}.enum.{value}" for value in rules.get("enum", [])}
    return keys


@every_function
def test_open_webui_loads_it_and_every_valve_has_its_texts(path: Path, plugin_host: PluginHost) -> None:
    loaded = plugin_host.call("install", id=path.stem, content=read(path))
    assert loaded["kind"] in KINDS[path.parent.name]
    assert loaded["frontmatter"] == frontmatter(read(path))
    assert loaded["i18n"] == i18n(path)
    assert set(loaded["i18n"]["en-US"]) == wanted_keys(loaded["schemas"])
    assert "priority" in loaded["schemas"]["Valves"]["properties"]
    for name, rules in loaded["schemas"].get("UserValves", {}).get("properties", {}).items():
        for texts in loaded["i18n"].values():
            if "enum" in rules:
                said = texts[f"user_valves.{name}.description"]
                assert texts[f"user_valves.{name}.enum.{rules['default']}"] in said, "the dialog only says: Default"
