"""What a person, or a program, reads about a plan."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from install.pack.engine.change import Action, Change, Plan
from install.pack.engine.receipts import Receipts
from install.wording import say, term

STYLES = {
    Action.NEW: "green",
    Action.UPGRADE: "yellow",
    Action.CHANGE: "yellow",
    Action.TAKE_AWAY: "red",
    Action.HIDE: "yellow",
    Action.RESTORE: "yellow",
    Action.UNCHANGED: "dim",
    Action.EDITED_BY_HAND: "bold red",
    Action.FOREIGN: "bold red",
    Action.NOT_ANSWERED: "bold red",
    Action.NOT_LISTED: "bold red",
}

# Without a terminal there is no width to respect; lines should survive in a CI log.
PLAIN_WIDTH = 160

RECEIPTS_SHOWN = 10


def console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def quiet() -> Console:
    return Console(quiet=True)


def show(plan: Plan, out: Console, *, everything: bool = False, diff: bool = False) -> None:
    """Print changes as a table; with `everything` also unchanged resources."""
    rows = [change for change in plan.changes if everything or change.action is not Action.UNCHANGED or change.details]
    if rows:
        out.print(_blocks(rows))
    if diff:
        for change in rows:
            if change.diff:
                out.print(Syntax(change.diff, "diff", theme="ansi_light", background_color="default", word_wrap=True))
    out.print(Text(summary(plan)))
    show_notes(plan, out)


def show_notes(plan: Plan, out: Console) -> None:
    for note in plan.notes:
        out.print(Text(f"! {note}", "yellow"))


def _blocks(changes: list[Change]) -> Table:
    """Return a table of a line each with the details below it, readable at any width."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=cell_len(term(Action.EDITED_BY_HAND)))
    table.add_column(overflow="fold")
    for change in changes:
        lines = (f"{term(change.kind)} {change.id}", *(f"  {detail}" for detail in change.details))
        table.add_row(Text(term(change.action), STYLES[change.action]), Text("\n".join(lines)))
    return table


def line(change: Change) -> Text:
    """Return one change as one line; a long list of details was in the plan."""
    detail = f": {change.details[0]}" if len(change.details) == 1 else ""
    return Text.assemble((term(change.action), STYLES[change.action]), f"  {term(change.kind)} {change.id}{detail}")


def done(change: Change) -> Text:
    return Text.assemble(("✓ ", "green"), line(change))


@contextmanager
def progress(out: Console, total: int) -> Iterator[Callable[[Change], None]]:
    """Show a bar while the block runs, and a line for each change that is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal or not total) as bar:
        task = bar.add_task(say("Applying"), total=total)

        def on_done(change: Change) -> None:
            out.print(done(change))
            bar.advance(task)
            if bar.tasks[0].finished:
                bar.update(task, description=say("Reading back"))

        yield on_done


def summary(plan: Plan) -> str:
    """Return a line such as `1 new, 2 upgrade, 5 unchanged.`"""
    counts = Counter(change.action for change in plan.pending if not change.blocked)
    parts = [_counted(count, action) for action, count in counts.items()]
    if not plan.pending:
        parts = [say("Nothing to change")]
    others = {"left alone": plan.blocked, "unchanged": plan.unchanged}
    parts += [_counted(len(changes), what) for what, changes in others.items() if changes]
    return say("{parts}.", parts=say(", ").join(parts))


def _counted(count: int, what: str) -> str:
    return say("{count} {what}", count=count, what=term(what))


def show_receipts(receipts: Receipts, out: Console) -> None:
    found = receipts.all()
    if not found:
        out.print(Text(say("No receipts in {folder}.", folder=receipts.folder), "dim"))
        return
    out.print(Text(say("Receipts in {folder}, newest first:", folder=receipts.folder), "dim"))
    for receipt in reversed(found[-RECEIPTS_SHOWN:]):
        state = "" if receipt.ended else say("  interrupted")
        if state and receipt is found[-1]:
            state += say("; the next `sekisho apply` finishes it")
        out.print(
            Text(
                say(
                    "  {name}  {steps} steps, Open WebUI {version}{state}",
                    name=receipt.name,
                    steps=len(receipt.steps),
                    version=receipt.version,
                    state=state,
                )
            )
        )
    if len(found) > RECEIPTS_SHOWN:
        out.print(Text(say("  and {count} older", count=len(found) - RECEIPTS_SHOWN), "dim"))


def as_json(plan: Plan, *, diff: bool = False, receipt: str | None = None, receipts: Receipts | None = None) -> str:
    """Return `{"changes": [{"kind", "id", "action", "blocked", "details"}], "pending", "blocked", "unchanged", …}`."""
    changes = [_change(change, diff) for change in plan.changes]
    counts = {"pending": len(plan.pending), "blocked": len(plan.blocked), "unchanged": len(plan.unchanged)}
    found: dict[str, Any] = {"changes": changes, **counts}
    if plan.notes:
        found["notes"] = list(plan.notes)
    if receipt:
        found["receipt"] = receipt
    if receipts:
        found["receipts"] = [
            {"name": each.name, "command": each.command, "at": each.at, "steps": len(each.steps), "ended": each.ended}
            for each in receipts.all()
        ]
    return json.dumps(found, ensure_ascii=False, indent=2)


def _change(change: Change, diff: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": change.kind, "id": change.id, "action": change.action}
    more = {"diff": change.diff} if diff and change.diff else {}
    return {**fields, "blocked": change.blocked, "details": change.details, **more}
