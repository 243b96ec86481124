"""All rules over a file, beside its former version where there is one."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from install.errors import UsageError
from install.kit.finding import Finding, Hit, Severity
from install.kit.kinds import KINDS
from install.kit.rules import COMPARISONS, IDS, RULES, SYNTAX
from install.kit.source import Source, parse, read

GIT_SECONDS = 10
FOLDERS = tuple(dict.fromkeys(kind.folder for kind in KINDS))


def check(path: Path, *, former: str | None = None, ignored: frozenset[str] = frozenset()) -> list[Finding]:
    """Return findings in the order of their lines. `former` is the text to compare settings with.

    Raises `InstallError`.
    """
    return check_text(path, read(path), former=former, ignored=ignored)


def check_text(
    path: Path, text: str, *, former: str | None = None, ignored: frozenset[str] = frozenset()
) -> list[Finding]:
    """Check a text that is to have this path, as `check` does."""
    try:
        source = parse(path, text)
    except SyntaxError as error:
        return [Finding(SYNTAX, "error", error.lineno or 1, {"why": error.msg})]
    found = [*_alone(source), *_beside(source, _parsed(path, former))]
    return sorted((each for each in found if each.rule not in ignored), key=lambda each: (each.line, each.rule))


def graded(findings: Iterable[Finding], *, strict: bool) -> list[Finding]:
    """Return what counts: with `strict` everything, as errors; else all but matters of style."""
    if strict:
        return [replace(each, severity="error") for each in findings]
    return [each for each in findings if each.severity != "style"]


def committed(path: Path) -> str | None:
    """Return the file as git's last commit has it, None where it does not."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        shown = subprocess.run(command, cwd=path.resolve().parent, capture_output=True, timeout=GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.decode("utf-8", "replace") if shown.returncode == 0 else None


def known_rules(ids: Iterable[str]) -> frozenset[str]:
    """Return the ids as a set. Raises `UsageError` for an unknown rule."""
    for id in ids:
        if id not in IDS:
            raise UsageError(f"There is no rule {id}.", f"Rules: {', '.join(sorted(IDS))}.")
    return frozenset(ids)


def plugin_files(paths: Iterable[Path]) -> list[Path]:
    """Return the plugin files at these paths, at least one. Raises `UsageError`."""
    given = tuple(paths)
    found = present_files(given)
    if not found:
        raise UsageError(
            f"There is no plugin in {', '.join(map(str, given))}.",
            f"Name a file, or a folder that has {', '.join(FOLDERS)}; `sekisho new pipe NAME` makes one.",
        )
    return found


def present_files(paths: Iterable[Path]) -> list[Path]:
    """Return files as they are; of a folder its plugin folders' files, or its own if it is one of those."""
    found = [file for path in paths for file in ([path] if path.is_file() else _within(path))]
    return list(dict.fromkeys(found))


def _within(folder: Path) -> list[Path]:
    if folder.resolve().name in FOLDERS:
        return sorted(folder.glob("*.py"))
    return [file for name in FOLDERS for file in sorted((folder / name).glob("*.py"))]


def _alone(source: Source) -> Iterator[Finding]:
    for rule in RULES:
        yield from (_finding(rule.id, rule.severity, hit) for hit in rule.check(source))


def _beside(source: Source, former: Source | None) -> Iterator[Finding]:
    if former:
        for id, compare in COMPARISONS:
            yield from (_finding(id, "error", hit) for hit in compare(source, former))


def _finding(rule: str, severity: Severity, hit: Hit) -> Finding:
    return Finding(rule, severity, hit.line, hit.values)


def _parsed(path: Path, text: str | None) -> Source | None:
    try:
        return parse(path, text) if text else None
    except SyntaxError:
        return None
