"""The doctor's findings on a screen, or for a program."""

import json

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from install.doctor.finding import Finding, State
from install.doctor.texts import Texts

STYLES = {
    State.VERIFIED: "green",
    State.OK: "green",
    State.ATTRIBUTED: "green",
    State.CLAIMED: "yellow",
    State.WARNING: "yellow",
    State.UNKNOWN: "yellow",
    State.FAILED: "bold red",
    State.OFF: "dim",
}
LOOK_AT = (State.CLAIMED, State.WARNING, State.UNKNOWN)


def show(title: str, findings: list[Finding], text: Texts, out: Console) -> None:
    out.print(Text(text(title), "bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        style = STYLES[each.state]
        table.add_row(
            Text(each.state.mark, style), text(each.name), Text(text.state(each.state), style), Text(each.detail)
        )
    out.print(table)
    for remedy, names in _remedies(findings, text).items():
        line = Text.assemble((f"{text('remedy')}{text('between').join(names)}: ", "bold cyan"), (remedy, "cyan"))
        out.print(Padding(line, (0, 0, 0, 3)))


def _remedies(findings: list[Finding], text: Texts) -> dict[str, list[str]]:
    """Return each remedy once, with the rows that it mends."""
    found: dict[str, list[str]] = {}
    for each in findings:
        if each.remedy and each.state is not State.OFF:
            found.setdefault(each.remedy, []).append(text(each.name))
    return found


def show_summary(findings: list[Finding], text: Texts, out: Console) -> None:
    failed = sum(each.state is State.FAILED for each in findings)
    warnings = sum(each.state in LOOK_AT for each in findings)
    if failed or warnings:
        out.print(Text(text("summary.bad", failed=failed, warnings=warnings), "red" if failed else "yellow"))
    else:
        out.print(Text(text("summary.good"), "green"))


def as_json(checks: list[Finding], probes: list[Finding], text: Texts) -> str:
    """Return `{"checks": [{"name", "title", "state", "detail", "remedy"}], "paths": […], "failed"}`."""
    found = {"checks": [_row(each, text) for each in checks], "paths": [_row(each, text) for each in probes]}
    failed = sum(each.state is State.FAILED for each in [*checks, *probes])
    return json.dumps({**found, "failed": failed}, ensure_ascii=False, indent=2)


def _row(each: Finding, text: Texts) -> dict[str, str]:
    return {
        "name": each.name,
        "title": text(each.name),
        "state": each.state,
        "detail": each.detail,
        "remedy": each.remedy,
    }
