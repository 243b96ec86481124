"""What the rules know of Open WebUI is what the installed 0.12.4 has."""

import ast
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from install.kit.rules.awaiting import not_awaited
from install.kit.rules.modules import installed
from install.kit.rules.open_webui import INSTALLED, environment, facts
from install.kit.source import parse
from tests.kit.conftest import PYTHON, ROOT

MODULES = (
    "events.py",
    "functions.py",
    "tasks.py",
    "socket/main.py",
    "retrieval/utils.py",
    "utils/**/*.py",
    "routers/**/*.py",
)


@pytest.fixture(scope="module")
def package() -> Path:
    if not PYTHON.exists():
        pytest.skip("Open WebUI is not installed: run `make .venv-open-webui`")
    [found] = (ROOT / ".venv-open-webui" / "lib").glob("python3*/site-packages/open_webui")
    return found


def coroutines(tree: ast.Module) -> Iterator[str]:
    """Public ones that have to be awaited: no generators, undecorated or a route."""
    functions = (node for node in tree.body if isinstance(node, ast.AsyncFunctionDef))
    for node in functions:
        is_route = all("router." in ast.unparse(each) for each in node.decorator_list)
        if is_route and not node.name.startswith("_") and not iterates(node):
            yield node.name


def iterates(function: ast.AsyncFunctionDef) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False


def async_functions(package: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (path for pattern in MODULES for path in package.glob(pattern)):
        name = "open_webui." + ".".join(path.relative_to(package).with_suffix("").parts)
        if names := set(coroutines(ast.parse(path.read_text(encoding="utf-8")))):
            found[name.removesuffix(".__init__")] = names
    return found


def test_the_async_functions_are_those_of_the_package(package: Path) -> None:
    assert facts().functions == async_functions(package)
    assert "generate_chat_completion" in facts().functions["open_webui.utils.chat"]


def test_the_tables_are_async_but_for_the_methods_that_are_named(package: Path) -> None:
    found: dict[str, set[str]] = {}
    for path in (package / "models").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        made = {
            ast.unparse(node.targets[0]): classes[node.value.func.id]
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id in classes
        }
        for name, cls in {**made, **({"Config": classes["Config"]} if path.stem == "config" else {})}.items():
            if any(isinstance(node, ast.AsyncFunctionDef) for node in cls.body):
                plain = {node.name for node in cls.body if isinstance(node, ast.FunctionDef)}
                found[name] = {each for each in plain if not each.startswith("_")}
    assert facts().tables == found.keys()
    assert {name: set(methods) for name, methods in facts().sync.items()} == {k: v for k, v in found.items() if v}


def test_what_may_be_imported_is_installed(package: Path) -> None:
    code = "import sys\nfrom importlib.util import find_spec\nprint(*[m for m in sys.argv[1:] if not find_spec(m)])"
    missing = subprocess.run(
        [PYTHON, "-c", code, *environment().modules], capture_output=True, text=True, check=True
    ).stdout
    assert missing.split() == []


def test_the_list_of_modules_is_what_the_environment_says(package: Path) -> None:
    assert json.loads(installed(PYTHON)) == json.loads(INSTALLED.read_text(encoding="utf-8"))
    assert {"pydantic_core", "google", "xxhash", "PIL", "yaml"} <= environment().modules
    assert environment().version == "0.12.4"


def test_open_webuis_own_code_forgets_no_await(package: Path) -> None:
    """It runs, so whatever the rule finds in it is the rule's mistake."""
    files = [path for folder in ("utils", "routers") for path in (package / folder).rglob("*.py")]
    found = [
        f"{path.name}:{each.line}"
        for path in files
        for each in not_awaited(parse(path, path.read_text(encoding="utf-8")))
    ]
    assert len(files) > 50
    assert found == []
