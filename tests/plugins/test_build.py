"""The builder: it joins what means the same in one file, and refuses the rest with both places."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.build import ROOT, BuildError, build

MANIFEST = """
output = "pipes/toy.py"
modules = [{modules}]

[frontmatter]
title = "Toy"
id = "toy"
"""
JSON = '"""Readers of JSON."""\n\nimport json\n\n\ndef read(text: str) -> object:\n    return json.loads(text)\n'
PIPE = '''"""The pipe.

It reads.
"""

import logging
import json
from re import (
    compile as pattern,
    sub,
)

import aiohttp
from plugins.toy.values import read

log = logging.getLogger(__name__)  # kept


class Pipe:
    """Reads."""

    def pipe(self, body: str) -> object:
        import html

        return read(sub(pattern("x"), html.escape(body), json.dumps(aiohttp.__name__)))
'''


def toy(root: Path, **texts: str) -> Path:
    """Write modules of a plugin, in their order; return its manifest."""
    folder = root / "plugins" / "toy"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    manifest = folder / "plugin.toml"
    manifest.write_text(MANIFEST.format(modules=", ".join(f'"toy.{name}"' for name in texts)))
    return manifest


def module(text: str) -> str:
    return f'"""A module."""\n\n{text}\n'


def test_modules_are_joined_in_order(tmp_path: Path) -> None:
    path, text = build(toy(tmp_path, values=JSON, pipe=PIPE))
    assert path == tmp_path / "pipes" / "toy.py"
    head, body = text.split("\n\n\n", 1)
    assert head == (
        '"""\ntitle: Toy\nid: toy\n"""\n\n'
        "# Built by `python -m plugins.build` out of plugins/toy: change it there, not here.\n\n"
        "import json\nimport logging\nfrom re import compile as pattern\nfrom re import sub\n\n"
        "import aiohttp\n\n"
        "# Readers of JSON."
    ).replace("from re import compile as pattern\nfrom re import sub", "from re import compile as pattern, sub")
    assert body.startswith("def read(")
    assert "\n\n\n# The pipe.\n#\n# It reads.\n\n\nlog = logging.getLogger(__name__)  # kept\n\n\nclass Pipe:" in body
    assert "plugins.toy" not in body
    assert "        import html\n" in body, "an import within a function stays there"
    ast.parse(text)


def test_a_declared_name_is_that_of_the_plugin(tmp_path: Path) -> None:
    uses = module("from plugins.shared.declarations import I18N\n\n\nNAME = I18N")
    _, text = build(toy(tmp_path, texts=module("I18N = {}"), uses=uses))
    assert "\nI18N = {}\n" in text
    assert "declarations" not in text


def test_lines_of_other_kinds_do_not_shift_what_is_left_out(tmp_path: Path) -> None:
    """Python's parser counts fewer line ends than `str.splitlines`."""
    odd = '"""Odd."""\n\nODD = "\x0b\x0c\u2028\x85"\nimport json\n\nLAST = json\n'
    _, text = build(toy(tmp_path, odd=odd))
    assert 'ODD = "\x0b\x0c\u2028\x85"\n\nLAST = json\n' in text


CLASHES = {
    "two functions": ("def one() -> None: ...", "def one() -> None: ..."),
    "two values": ("ONE = 1", "ONE = 1"),
    "a part of a tuple": ("one, (two, three) = 1, (2, 3)", "class three: ..."),
    "an annotated value": ("ONE: int = 1", "async def ONE() -> None: ..."),
    "an import and a function": ("from html import escape", "def escape() -> None: ..."),
    "a function and an import": ("def escape() -> None: ...", "from html import escape"),
    "two imports of one name": ("from html import escape", "from re import escape"),
    "a module and a name": ("import html", "from x import html"),
    "one import under two names": ("from html import escape as quote", "from html import escape"),
    "one module under two names": ("import json as j", "import json"),
    "a global": ("def count() -> None:\n    global total\n    total = 1", "total = 0"),
    "a change of another's value": ("ONE = {}", "ONE['x'] = 1"),
}


@pytest.mark.parametrize(("first", "second"), CLASHES.values(), ids=CLASHES.keys())
def test_a_clash_names_both_places(tmp_path: Path, first: str, second: str) -> None:
    with pytest.raises(BuildError) as refused:
        build(toy(tmp_path, first=module(first), second=module(second)))
    places = re.findall(r"plugins/toy/\w+\.py:\d+", str(refused.value))
    assert [place.partition(":")[0] for place in places] == ["plugins/toy/second.py", "plugins/toy/first.py"]
    assert all(int(place.rpartition(":")[2]) >= 3 for place in places)


REFUSED = {
    "another name": "from plugins.toy.values import read as look",
    "a whole module": "import plugins.toy.values",
    "all names": "from plugins.toy.values import *",
    "all names of others": "from json import *",
    "from a package": "from plugins import toy",
    "relative": "from .values import read",
    "within a function": "def late() -> None:\n    from plugins.toy.values import read\n    read('')",
    "a name that is not there": "from plugins.toy.values import write",
    "a name that is only imported there": "from plugins.toy.values import json",
    "a later module": "from plugins.toy.later import LATER",
    "nothing declares it": "from plugins.shared.declarations import I18N",
    "the future": "from __future__ import annotations",
    "a condition": "if True:\n    ONE = 1",
    "a guarded import": "try:\n    import json\nexcept ImportError:\n    pass",
    "a loop": "for one in (1, 2):\n    two = one",
    "a name of Python's own": "def filter() -> None: ...",
    "an import that hides Python's own": "from plugins_of_others import open",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_would_mean_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BuildError, match=r"^plugins/toy/middle\.py:\d+: "):
        build(toy(tmp_path, values=JSON, middle=module(text), later=module("LATER = 1")))


def test_a_source_without_docstring_or_that_is_none_is_refused(tmp_path: Path) -> None:
    for number, text in enumerate(("ONE = 1\n", "", "def (\n", "\0")):
        with pytest.raises(BuildError, match=r"^plugins/toy/broken\.py:"):
            build(toy(tmp_path / str(number), broken=text))
    manifest = toy(tmp_path / "gone", values=JSON)
    (manifest.parent / "values.py").unlink()
    with pytest.raises(BuildError, match="cannot be read"):
        build(manifest)


def test_the_command_says_whether_everything_is_built() -> None:
    command = [sys.executable, "-m", "plugins.build", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
