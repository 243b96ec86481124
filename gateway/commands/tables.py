"""Answers as a table for people, or as CSV or JSON for programs."""

import csv
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from gateway.commands.common import console, print_json

AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 200
"""Rows of a table that a person reads."""


def show(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    as_json: Any,
    as_csv: bool,
    *,
    footer: Sequence[Any] | None = None,
    more: int | str = 0,
) -> None:
    """Print rows; `as_json` is what is printed instead, if anything; `more` rows were left out before."""
    if as_json is not None:
        print_json(as_json)
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_harmless(value) for value in row] for row in rows)
    else:
        _print_table(columns, rows, footer, more)


def _print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], footer: Sequence[Any] | None, more: int | str
) -> None:
    table = Table(box=None, header_style="bold", footer_style="bold", show_footer=footer is not None)
    for number, name in enumerate(columns):
        numbers = all(isinstance(row[number], (int, float, Decimal)) or row[number] is None for row in rows)
        last = _cell(footer[number], name) if footer and footer[number] is not None else ""
        table.add_column(name, last, justify="right" if numbers and rows else "left", overflow="fold")
    for row in rows[:_SHOWN]:
        table.add_row(*(_cell(value, name) for value, name in zip(row, columns, strict=True)))
    console.print(table)
    hidden = len(rows) - _SHOWN
    if hidden > 0:
        console.print(f"… and {hidden} more rows; --csv or --json prints them all.")
    if more:
        console.print(f"{more} more rows were left out; --limit raises how many there may be.")


def _cell(value: Any, name: str) -> str:
    """Escaped for Rich: names come from outside."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4f}" if name.endswith("usd") else f"{value:,.6g}"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("[", r"\[")


def _harmless(value: Any) -> Any:
    """Mark a text that a spreadsheet would run as a formula as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
