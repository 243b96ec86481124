"""What a person, or a program, reads about a plan."""

import json
import sys
from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from install.pack.change import Action, Change, Plan

STYLES = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.SET_VALVES: "yellow",
    Action.SWITCH_ON: "green",
    Action.SWITCH_OFF: "yellow",
    Action.UNCHANGED: "dim",
    Action.EDITED_BY_HAND: "bold red",
    Action.NOT_OURS: "bold red",
}

# Without a terminal there is no width to respect; lines should survive in a CI log.
PLAIN_WIDTH = 160


def console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def show(plan: Plan, out: Console, *, everything: bool = False) -> None:
    """Changes as a table; with `everything` also what is as it should be."""
    rows = [change for change in plan.changes if everything or change.action is not Action.UNCHANGED or change.details]
    if rows:
        out.print(_table(rows))
    out.print(Text(summary(plan)))


def _table(changes: list[Change]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for change in changes:
        details = "\n".join(change.details)
        table.add_row(Text(change.action, STYLES[change.action]), change.resource, Text(change.name), Text(details))
    return table


def line(change: Change) -> Text:
    """One change on one line; a long list of details was in the plan."""
    detail = f": {change.details[0]}" if len(change.details) == 1 else ""
    return Text.assemble((change.action, STYLES[change.action]), f"  {change.resource} {change.name}{detail}")


def done(change: Change) -> Text:
    return Text.assemble(("✓ ", "green"), line(change))


def summary(plan: Plan) -> str:
    """For example `1 to create, 2 to update, 5 unchanged.`"""
    counts = Counter(change.action for change in plan.pending)
    parts = [f"{count} to {action}" for action, count in counts.items()] or ["Nothing to change"]
    others = {"left alone": plan.blocked, "unchanged": plan.unchanged}
    parts += [f"{len(changes)} {what}" for what, changes in others.items() if changes]
    return f"{', '.join(parts)}."


def as_json(plan: Plan) -> str:
    """`{"changes": [{"resource", "name", "action", "details"}], "pending", "blocked", "unchanged"}`."""
    changes = [
        {"resource": change.resource, "name": change.name, "action": change.action, "details": change.details}
        for change in plan.changes
    ]
    counts = {"pending": len(plan.pending), "blocked": len(plan.blocked), "unchanged": len(plan.unchanged)}
    return json.dumps({"changes": changes, **counts}, ensure_ascii=False, indent=2)
