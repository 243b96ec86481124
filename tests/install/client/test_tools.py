"""Every row of the table of tools: what is written, once, beside what stands there, and what is never touched."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.identity.client import calling_client
from gateway.secret import Secret
from install.client import writing
from install.client.documents import FORMATS, fresh
from install.client.preparing import for_everybody, masked
from install.client.reports import managed_by
from install.client.setup import CLIENT_HEADER, Model, Places, Setup
from install.client.tool import File, Tool
from install.client.tools import BY_NAME, TOOLS
from install.client.writing import Unwritable
from install.wording import speak

KEY = "sk-canary-of-the-person-1234"
ROOT = "https://gw.example.com"
BROKEN = {"json": '{"theme": ', "toml": "model = ", "yaml": "models: [", "env": "a b\n"}
KEPT = {
    "json": '// mine\n{"mine": 1}\n',
    "toml": "mine = 1 # mine\n",
    "yaml": "mine: 1 # mine\n",
    "env": "MINE=1 # mine\n",
}
LISTS = ("copilot", "aider")
every_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    home = tmp_path / "home"
    places = Places(
        home=home,
        config=home / ".config",
        code=home / ".config" / "Code" / "User",
        claude=home / ".claude",
        codex=home / ".codex",
        here=home / "project",
        machine=tmp_path / "machine",
    )
    models = (Model("coder", "chat", 64_000, 8_000), Model("小型", "chat"), Model("fim", "completion"))
    return Setup(ROOT, Secret(KEY), models[0], models[1], places, models[2], models)


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak("en")


def _files(tool: Tool, setup: Setup) -> list[File]:
    return writing.joined([*tool.files(setup), *tool.mcp(setup)])


def test_every_client_is_there() -> None:
    assert set(BY_NAME) == {
        *("claude-code", "codex", "opencode", "cline", "roo-code", "kilo-code", "continue", "qwen-code", "gemini-cli"),
        *("aider", "zed", "jetbrains", "copilot", "cursor", "llama-vscode", "openai-sdk", "anthropic-sdk"),
        *("librechat", "n8n"),
    }
    assert {tool.name for tool in TOOLS if not tool.files.__name__.startswith("_")} == {
        *(set(BY_NAME) - {"jetbrains", "cursor", "n8n"})
    }


@every_tool
def test_address_key_and_models_are_named(tool: Tool, setup: Setup) -> None:
    texts = [fresh(FORMATS[each.format], each.content) for each in tool.files(setup)]
    texts += [*tool.steps(setup), *tool.variables(setup).values()]
    everything = "\n".join(texts)
    assert ROOT in everything
    assert KEY in everything
    assert ("fim" if tool.wire == "infill" else "coder") in everything
    assert ("小型" in everything) is tool.second or tool.name in ("copilot",), "the second model, where there is one"


@every_tool
def test_what_is_shown_has_no_key(tool: Tool, setup: Setup) -> None:
    shown = masked(setup)
    texts = [fresh(FORMATS[each.format], each.content) for each in _files(tool, shown)]
    everything = "\n".join([*texts, *tool.steps(shown), *tool.variables(shown).values()])
    assert KEY not in everything
    assert "sk-…1234" in everything


@every_tool
def test_steps_are_in_japanese_too(tool: Tool, setup: Setup) -> None:
    english = tool.steps(setup)
    speak("ja")
    assert len(tool.steps(setup)) == len(english)


@every_tool
def test_a_new_file_is_written_once(tool: Tool, setup: Setup) -> None:
    for file in _files(tool, setup):
        first = writing.draft(file)
        assert (first.state, writing.write(first)) == ("new", None)
        assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o600
        assert writing.draft(file).state == "unchanged"
        assert writing.write(writing.draft(file)) is None
        assert [path.name for path in file.path.parent.iterdir() if "before-sekisho" in path.name] == []


@every_tool
def test_what_stands_there_stays(tool: Tool, setup: Setup) -> None:
    for file in _files(tool, setup):
        if not isinstance(file.content, dict):
            continue
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(KEPT[file.format])
        backup = writing.write(writing.draft(file))
        assert backup is not None
        assert backup.read_text() == KEPT[file.format]
        after = file.path.read_text()
        assert "mine" in after.lower()
        assert "mine" in after.partition("//" if file.format == "json" else "#")[2], "the comment, too"
        assert writing.draft(file).state == "unchanged"


@every_tool
def test_a_broken_file_stays(tool: Tool, setup: Setup) -> None:
    for file in _files(tool, setup):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(BROKEN[file.format])
        refused = writing.draft(file)
        assert refused.state == "refused"
        with pytest.raises(Unwritable):
            writing.write(refused)
        assert file.path.read_text() == BROKEN[file.format]


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.machine], ids=lambda tool: tool.name)
def test_a_managed_tool_is_left_alone(tool: Tool, setup: Setup) -> None:
    assert managed_by(tool, setup) is None
    path = setup.places.machine / tool.machine[0]
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    refused = managed_by(tool, setup)
    assert refused is not None
    assert str(path) in str(refused)


@every_tool
def test_what_is_rolled_out_has_nobodys_key(tool: Tool, setup: Setup) -> None:
    everybody = for_everybody(setup, tool)
    files = tool.managed(everybody)
    text = "".join(fresh(FORMATS[each.format], each.content) for each in files)
    assert KEY not in text
    if files:
        assert all(str(each.path).startswith(str(setup.places.machine)) for each in files) or tool.name == "n8n"
        variables = tool.managed_variables(everybody)
        assert ROOT in text + "".join(variables.values())
        assert everybody.command is not None or variables


@every_tool
def test_the_client_header_is_one_that_the_gateway_knows(tool: Tool, setup: Setup) -> None:
    """Otherwise the ledger would not know the tool by it."""
    text = "".join(fresh(FORMATS[each.format], each.content) for each in [*tool.files(setup), *tool.managed(setup)])
    if CLIENT_HEADER in text:
        assert calling_client({CLIENT_HEADER: tool.name}) == tool.name
        assert tool.name in text


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to(path), os.mkfifo])
def test_what_is_no_file_stays(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "settings.json"
    make(path)
    assert writing.draft(File(path, "json", {"a": 1})).state == "refused"


def test_a_file_that_changes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    made = writing.draft(File(path, "json", {"a": 1}))
    path.write_text('{"b": 2}')
    with pytest.raises(Unwritable):
        writing.write(made)
    assert path.read_text() == '{"b": 2}'


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    made = writing.draft(File(tmp_path / "taken" / "a.json", "json", {"a": 1}))
    assert made.state == "refused"


def test_a_blank_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(" \n")
    writing.write(writing.draft(File(path, "json", [1])))
    assert path.read_text() == "[\n  1\n]\n"


def test_switching_to_a_command_takes_the_key_out(setup: Setup) -> None:
    commanded = replace(setup, command=("sekisho", "key", "a b"))
    for tool in (BY_NAME["claude-code"], BY_NAME["codex"]):
        for each in (setup, commanded):
            [file] = tool.files(each)
            writing.write(writing.draft(file))
        text = file.path.read_text()
        assert KEY not in text
        assert "a b" in text
