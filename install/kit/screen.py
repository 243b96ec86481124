"""What a person, or a program, reads of the kit's commands."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from install.kit.drive import Played
from install.kit.finding import Finding, Language
from install.kit.push import Pushed

STYLES = {"error": "bold red", "warning": "yellow"}
OUTCOMES = {"new": "green", "changed": "green", "same": "dim", "stopped": "bold red"}


def finding(path: Path, found: Finding, language: Language) -> Text:
    """Return three lines: place, problem, remedy."""
    return Text.assemble(
        (f"{path}:{found.line}", "bold"),
        "  ",
        (found.severity, STYLES[found.severity]),
        f"  {found.rule}\n    {found.problem(language)}\n    → {found.remedy(language)}",
    )


def findings_as_json(found: Mapping[Path, Sequence[Finding]]) -> str:
    """Return `{"files": [{"path", "findings": [{rule, severity, line, problem, remedy}]}], "errors", "warnings"}`."""
    every = [each for findings in found.values() for each in findings]
    counts = {f"{kind}s": sum(each.severity == kind for each in every) for kind in STYLES}
    files = [{"path": str(path), "findings": [each.as_json() for each in findings]} for path, findings in found.items()]
    return json.dumps({"files": files, **counts}, ensure_ascii=False, indent=2)


def pushed(result: Pushed) -> Text:
    """Return one line about a push."""
    return Text.assemble((f"{result.what:8}", OUTCOMES[result.what]), f"{result.path}  {result.ms:.0f} ms")


def played(results: Sequence[Played], out: Console) -> None:
    """Return a table of conversations, and below it the differences."""
    table = Table("", "conversation", "turns", "ms", box=None, pad_edge=False, header_style="dim")
    for each in results:
        mark = Text("✓", "green") if each.passed else Text("✗", "bold red")
        table.add_row(mark, Text(f"{each.plugin.stem}: {each.name}"), str(len(each.turns)), f"{each.ms:.0f}")
    out.print(table)
    for each in results:
        for line in _wrong(each):
            out.print(Text(line))


def _wrong(each: Played) -> list[str]:
    lines = [f"  turn {number}: {wrong}" for number, turn in enumerate(each.turns, 1) for wrong in turn[2]]
    lines = [f"  {each.trouble}", *lines] if each.trouble else lines
    return [f"{each.plugin.stem}: {each.name}", *lines] if lines else []


def played_as_json(results: Sequence[Played]) -> str:
    """Return `{"conversations": [{plugin, name, passed, trouble, turns: [{user, text, statuses, …, wrong}]}], …}`."""
    conversations = [
        {
            "plugin": str(each.plugin),
            "name": each.name,
            "passed": each.passed,
            "trouble": each.trouble or None,
            "turns": [
                {
                    "asked": turn.user or turn.tool or "",
                    "text": observed.text,
                    "statuses": observed.statuses,
                    "sources": observed.sources,
                    "events": [event.get("type") for event in observed.events],
                    "error": observed.error,
                    "calls": len(observed.asked),
                    "ms": round(observed.ms, 1),
                    "wrong": list(wrong),
                }
                for turn, observed, wrong in each.turns
            ],
        }
        for each in results
    ]
    failed = sum(not each.passed for each in results)
    return json.dumps({"conversations": conversations, "failed": failed}, ensure_ascii=False, indent=2)
