"""Writes a plugin that works at once, its test and its recorded conversations."""

import keyword
import re
import sys
from pathlib import Path

from install.errors import InstallError, UsageError
from install.kit.kinds import BY_NAME

TEMPLATES = Path(__file__).with_name("templates")
KINDS = ("pipe", "filter", "tool", "action")

# What stands for the new plugin in the templates, which are plugins themselves.
ID, TITLE, TITLE_JA, FOLDER = "my_plugin", "My plugin", "わたしのプラグイン", "FOLDER"

LONGEST = 60
"""Letters of a name."""


def scaffold(kind: str, name: str, folder: Path, title: str | None = None, title_ja: str | None = None) -> list[Path]:
    """Write a plugin, its test and its conversations; return the files, the plugin first.

    Raises `InstallError` before it writes.
    """
    _check_name(name)
    title = _one_line(title) if title else name.replace("_", " ").capitalize()
    place = BY_NAME[kind].folder
    words = {ID: name, TITLE: title, TITLE_JA: _one_line(title_ja) if title_ja else f"{title}（仮称）", FOLDER: place}
    files = {
        folder / place / f"{name}.py": f"{kind}.py",
        folder / "tests" / f"test_{name}.py": "test_plugin.py",
        folder / "tests" / "conversations" / f"{name}.yaml": f"conversations/{kind}.yaml",
    }
    for path in files:
        if path.exists():
            raise InstallError(f"{path} is there already.", "Choose another name or --folder, or delete that file.")
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled((TEMPLATES / template).read_text(encoding="utf-8"), words), encoding="utf-8")
    return list(files)


def _check_name(name: str) -> None:
    better = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_") or "my_agent"
    better = f"my_{better}" if better[0].isdigit() or keyword.iskeyword(better) else better[:LONGEST]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise _bad_name(name, "it is the file's name and the id, so only a-z, 0-9 and _ may stand in it", better)
    if keyword.iskeyword(name) or name in sys.stdlib_module_names:
        raise _bad_name(name, "Python uses this word itself", f"my_{name}")
    if len(name) > LONGEST:
        raise _bad_name(name, f"it is longer than {LONGEST} letters", name[:LONGEST].rstrip("_"))


def _bad_name(name: str, why: str, better: str) -> UsageError:
    return UsageError(f"{name!r} cannot be a plugin's name: {why}.", f"Try {better}.")


def _one_line(title: str) -> str:
    """Return the title without characters that may not stand in the frontmatter or in a Python string."""
    return " ".join(title.replace("\\", "").replace('"', "").split())


def _filled(template: str, words: dict[str, str]) -> str:
    return re.sub("|".join(map(re.escape, words)), lambda found: words[found[0]], template)
