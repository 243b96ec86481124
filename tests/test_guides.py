"""The guides are true: their links lead somewhere, their commands and settings are ones that there are."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from gateway.commands import register
from gateway.config.schema import Config
from gateway.wording.languages import Language
from install.cli import COMMANDS, EXTRAS
from install.client.guide import PAGES, with_tools
from install.client.tools import TOOLS
from install.commands.up import up

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GUIDES = ("for-employees", "for-engineers", "for-administrators", "for-agent-developers", "hands-on", "console-sign-in")
EVERY_PAGE = [ROOT / "README.md", ROOT / "README.ja.md", *sorted(DOCS.glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in _anchors(target), f"{link} leads to no heading"


@cache
def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", GUIDES)
def test_both_languages_have_the_same_parts(name: str) -> None:
    english, japanese = (DOCS / f"{name}{suffix}.md" for suffix in ("", ".ja"))
    assert [kind for kind, _ in _blocks(english)] == [kind for kind, _ in _blocks(japanese)]
    for level in ("## ", "### "):
        assert _count(english, level) == _count(japanese, level)
    assert f"({japanese.name})" in english.read_text() or name == "console-sign-in"
    assert f"({english.name})" in japanese.read_text() or name == "console-sign-in"


def _count(page: Path, begin: str) -> int:
    return sum(line.startswith(begin) for line in page.read_text().splitlines())


def _blocks(page: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(page.read_text())


@pytest.mark.parametrize("language", sorted(PAGES))
def test_the_sections_of_tools_are_what_is_written(language: Language) -> None:
    page = (DOCS / PAGES[language]).read_text()
    assert page == with_tools(page, language), "run: python -m install.client.guide docs"
    assert all(f"\n### {tool.title}\n" in page for tool in TOOLS)


@pytest.mark.parametrize("name", ["for-administrators", "for-administrators.ja"])
def test_settings_are_taken(name: str) -> None:
    found = [content for kind, content in _blocks(DOCS / f"{name}.md") if kind == "yaml"]
    assert len(found) == 2
    for content in found:
        filled = re.sub(r"\$\{SEKISHO_DATABASE\}", "postgresql+asyncpg://db/sekisho", content)
        filled = re.sub(r"\$\{SEKISHO_REDIS\}", "redis://cache", filled)
        Config.model_validate(YAML(typ="safe").load(re.sub(r"\$\{\w+\}", "4f9d1c7b8a2e6035d7c1f0a9b8e7d6c5", filled)))


def _commands() -> Iterator[list[str]]:
    """Yield the commands of `sekisho` in the guides, word by word."""
    for name in GUIDES:
        for kind, content in _blocks(DOCS / f"{name}.md"):
            lines = content.splitlines() if kind == "sh" else []
            for line in lines:
                if found := re.search(r"(?:^\s*|\$\()(sekisho [^|)]*)", line):
                    yield shlex.split(found[1], comments=True)
        for inline in re.findall(r"`(sekisho [^`]+)`", (DOCS / f"{name}.md").read_text()):
            yield shlex.split(" ".join(inline.split()))


def test_options_of_commands_are_there() -> None:
    commands = list(_commands())
    assert len(commands) > 60
    for words in commands:
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= _options(words), f"{' '.join(words)}: there is no {given - _options(words)}"


def _options(words: list[str]) -> set[str]:
    """Return the options of a command that there is."""
    command: Any = _root()
    for word in words[1:]:
        if not hasattr(command, "commands"):
            break
        if word.startswith("-"):
            break
        assert word in command.commands, f"{' '.join(words)}: there is no {word!r}"
        command = command.commands[word]
    return {"--help", *(option for each in command.params for option in each.opts)}


@cache
def _root() -> Any:
    app = typer.Typer()
    for function, _, _ in COMMANDS:
        app.command()(function)
    app.command()(up)
    register(app)
    return typer.main.get_command(app)


def test_each_command_of_the_gateway_says_what_it_needs_where_that_is_missing() -> None:
    app = typer.Typer()
    register(app)
    names = {each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands}
    assert set(EXTRAS) == names | {str(each.name) for each in app.registered_groups} | {"up"}
