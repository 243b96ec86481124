"""The sections of tools in `docs/for-engineers.md`, in both languages: what `sekisho client` would write.

`python -m install.client.guide docs` writes them; a test holds pages and tools together.
"""

import sys
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

from gateway.secret import Secret
from gateway.wording.languages import Language
from install.client.documents import FORMATS, fresh
from install.client.setup import OWN_KEY, Model, Places, Setup
from install.client.tool import Tool
from install.client.tools import TOOLS
from install.wording import speak

BEGIN, END = "<!-- tools: written by python -m install.client.guide docs -->", "<!-- end of tools -->"
PAGES: dict[Language, str] = {"en": "for-engineers.md", "ja": "for-engineers.ja.md"}
_HOME = Path("~")
_PLACES = Places(
    home=_HOME,
    config=_HOME / ".config",
    code=_HOME / ".config" / "Code" / "User",
    claude=_HOME / ".claude",
    codex=_HOME / ".codex",
    here=Path("."),
)
_MAIN, _SMALL = Model("coder", window=131_072, output=16_384), Model("small", window=32_768, output=8_192)
_COMPLETION = Model("fast-completion", "completion", 32_768)
_FENCES = {"json": "json", "toml": "toml", "yaml": "yaml", "env": "sh"}
_VARIABLES = {"en": "Variables where it starts:", "ja": "起動する環境の変数:"}


def with_tools(page: str, language: Language) -> str:
    """Return a page with the sections of all tools between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, "the page has marks between which the tools stand"
    assert end, "the page has marks between which the tools stand"
    sections = copy_context().run(_sections, language)
    return f"{before}{BEGIN}\n\n{sections}\n{END}{after}"


def _sections(language: Language) -> str:
    """Return the sections of all tools; sets the language of what is said, so it runs in a context of its own."""
    speak(language)
    return "\n".join(line for tool in TOOLS for line in _section(tool, language))


def _section(tool: Tool, language: Language) -> Iterator[str]:
    command = ("sekisho", "key", "https://ai.example.com") if tool.takes_command else None
    models = (_MAIN, _SMALL, _COMPLETION)
    key = Secret(OWN_KEY)
    setup = Setup("https://ai.example.com", key, _MAIN, _SMALL, _PLACES, _COMPLETION, models, command)
    yield f"### {tool.title}\n"
    writing = " --write" if tool.files(setup) else ""
    yield f"```sh\nsekisho client {tool.name}{writing}\nsekisho client {tool.name} --check\n```\n"
    for file in tool.files(setup):
        text = fresh(FORMATS[file.format], file.content).rstrip("\n")
        yield f"`{file.path.as_posix()}`:\n\n```{_FENCES[file.format]}\n{text}\n```\n"
    if variables := dict(tool.variables(setup)):
        lines = "\n".join(f"export {name}={value}" for name, value in variables.items())
        yield f"{_VARIABLES[language]}\n\n```sh\n{lines}\n```\n"
    if steps := list(tool.steps(setup)):
        yield "\n".join(f"- {step}" for step in steps) + "\n"


if __name__ == "__main__":
    for _language, _name in PAGES.items():
        _page = Path(sys.argv[1]) / _name
        _page.write_text(with_tools(_page.read_text(), _language))
