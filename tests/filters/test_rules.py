"""Rules that every plugin file obeys, executed. They cost somebody a day each; see the messages."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.plugin_host import ROOT, PluginHost

FOLDERS = ("filters", "pipes", "tools", "functions")
PLUGINS = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))
FILTERS = [path for path in PLUGINS if path.parent.name == "filters"]
FUNCTIONS = [path for path in PLUGINS if path.parent.name != "tools"]
KINDS = {"filters": ("filter",), "pipes": ("pipe",), "functions": ("action", "event")}
LANGUAGES = ("en-US", "ja-JP")

IN_EVERY_HOOK = {
    "self",
    *("__event_emitter__", "__event_call__", "__user__", "__metadata__", "__request__", "__model__", "__id__"),
}
BEFORE_THE_MODEL = {"body", "__oauth_token__", "__chat_id__", "__message_id__"}
INJECTED = {
    "inlet": IN_EVERY_HOOK | BEFORE_THE_MODEL,
    "request": IN_EVERY_HOOK | BEFORE_THE_MODEL | {"__features__"},
    "stream": IN_EVERY_HOOK | {"event", "__oauth_token__", "__chat_id__", "__message_id__", "__body__"},
    "outlet": IN_EVERY_HOOK | {"body"},
}
ALLOWED_IMPORTS = {"open_webui", "pydantic", "jwt", "pypdf", "docx", "tiktoken", "httpx", "aiohttp", "starlette"}

every_plugin = pytest.mark.parametrize("path", PLUGINS, ids=lambda path: f"{path.parent.name}/{path.stem}")
every_function = pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
every_filter = pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)


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


def shared_blocks(source: str) -> dict[str, str]:
    found = re.findall(r"^# >>> shared:(\w+)\n(.*?)^# <<< shared:\1$", source, re.MULTILINE | re.DOTALL)
    assert len(found) == len(re.findall(r"shared:\w+$", source, re.MULTILINE)) / 2, "a shared block is not closed"
    return dict(found)


def hooks(path: Path) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
    [cls] = [node for node in ast.parse(read(path)).body if isinstance(node, ast.ClassDef) and node.name == "Filter"]
    return [
        node for node in cls.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name in INJECTED
    ]


def test_there_are_plugins() -> None:
    assert {path.stem for path in FILTERS} == {"full_text", "user_identity", "context_guard", "usage_line"}


def test_plugin_folders_are_not_packages() -> None:
    assert [str(path) for folder in FOLDERS for path in (ROOT / folder).glob("**/__init__.py")] == []


@every_plugin
def test_frontmatter(path: Path) -> None:
    source = read(path)
    assert source.startswith('"""\n'), "Open WebUI ignores a frontmatter that does not start on a line of its own"
    keys = frontmatter(source)
    assert {"title", "author", "version", "license", "description", "required_open_webui_version", "id"} == set(keys)
    assert (keys["author"], keys["license"], keys["required_open_webui_version"]) == ("Sekisho", "MIT", "0.12.4")
    assert re.fullmatch(r"\d+\.\d+\.\d+", keys["version"])
    assert keys["id"] == path.stem
    assert keys["id"].isidentifier()
    assert keys["id"].islower()


@every_plugin
def test_forbidden_text(path: Path) -> None:
    source = read(path)
    assert not re.search(r"from (utils|apps|main|config)", source), "Open WebUI rewrites this, even inside a sentence"
    assert not re.search(r"^requirements:", source, re.MULTILINE)
    assert not re.search(r"^\s*print\(", source, re.MULTILINE), "a log must not learn what users say"
    assert "from __future__" not in source


@every_plugin
def test_imports_come_with_open_webui(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
            names = {name.asname or name.name for name in node.names}
            assert not names & {"Pipe", "Filter", "Action", "Event"}, "an imported name can decide the plugin's type"
    assert imported <= set(sys.stdlib_module_names) | ALLOWED_IMPORTS


def test_shared_blocks_are_identical() -> None:
    texts: dict[str, set[str]] = {}
    for path in PLUGINS:
        for name, text in shared_blocks(read(path)).items():
            texts.setdefault(name, set()).add(text)
    assert [name for name, versions in texts.items() if len(versions) > 1] == []


@every_filter
def test_hooks_are_async_and_ask_only_for_what_they_get(path: Path) -> None:
    found = hooks(path)
    assert found
    for hook in found:
        assert isinstance(hook, ast.AsyncFunctionDef), "a sync hook blocks the event loop"
        arguments = [argument.arg for argument in hook.args.args]
        assert arguments[1] == ("event" if hook.name == "stream" else "body"), "it is passed by this name"
        assert set(arguments) <= INJECTED[hook.name]
        assert hook.args.kwarg is None, "**kwargs receives nothing"


@every_filter
def test_hooks_keep_nothing_on_self(path: Path) -> None:
    """One instance serves all users at once; valves are re-assigned while a hook waits."""
    for hook in hooks(path):
        uses = [
            node
            for node in ast.walk(hook)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
        ]
        assert all(isinstance(node.ctx, ast.Load) for node in uses)
        assert sum(node.attr == "valves" for node in uses) <= 1, "copy self.valves to a local, once"


@every_plugin
def test_both_languages_say_the_same(path: Path) -> None:
    texts = i18n(path)
    assert set(texts) == set(LANGUAGES)
    assert texts["en-US"].keys() == texts["ja-JP"].keys()
    assert all(text.strip() for language in texts.values() for text in language.values())
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    assert [key for key, text in texts["ja-JP"].items() if not (japanese.search(text) or text.isascii())] == []
    assert [key for key, text in texts["en-US"].items() if japanese.search(text)] == []


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


@every_plugin
def test_runtime_texts_exist_in_both_languages(path: Path) -> None:
    for node in ast.parse(read(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "TEXT":
            text = ast.literal_eval(node.value)
            assert set(text) == {"en", "ja"}
            assert text["en"].keys() == text["ja"].keys()
            for key, english in text["en"].items():
                assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", text["ja"][key])), key


def says_done(node: ast.AST, value: bool) -> bool:
    """`done=…` or `"done": …` within."""
    return bool(re.search(rf"\bdone(=|': ){value}\b", ast.unparse(node)))


@every_plugin
def test_a_status_line_that_opens_also_ends(path: Path) -> None:
    """As far as reading goes: a hook that says done=False says done=True in a `finally`; the next hook may not run."""
    tree = ast.parse(read(path))
    outer = [part for node in tree.body for part in (node.body if isinstance(node, ast.ClassDef) else [node])]
    for function in outer:
        if says_done(function, False):
            blocks = [block for block in ast.walk(function) if isinstance(block, ast.Try)]
            assert any(says_done(line, True) for block in blocks for line in block.finalbody), ast.unparse(function)
    said = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and "'type': 'status'" in ast.unparse(node)]
    assert all("'done':" in ast.unparse(status) for status in said), "Open WebUI asks for it"
