"""For a plugin's own tests: `from install.kit.testing import broken_rules, failures`."""

from collections.abc import Sequence
from pathlib import Path

from install.kit.check import check
from install.kit.drive import conversations_of, open_webui_python, play, running


def broken_rules(plugin: Path, ignored: frozenset[str] = frozenset()) -> list[str]:
    """Return a line for each finding, warnings too; empty if all is well."""
    found = check(plugin, ignored=ignored)
    return [f"{plugin}:{each.line}: {each.rule}: {each.problem()} {each.remedy()}" for each in found]


def failures(plugin: Path, conversations: Sequence[Path] = (), python: Path | None = None) -> list[str]:
    """Return a line for everything that is not as it was recorded. Starts Open WebUI once, which takes up to a minute.

    Raises `InstallError`, for instance where there is no Open WebUI.
    """
    recorded = conversations_of(plugin, conversations)
    with running(open_webui_python(python)) as host:
        played = list(play(host, plugin, recorded))
    troubles = [f"{each.name}: {each.trouble}" for each in played if each.trouble]
    wrong = [
        f"{each.name}, turn {number}: {line}"
        for each in played
        for number, (_, _, lines) in enumerate(each.turns, 1)
        for line in lines
    ]
    return troubles + wrong
