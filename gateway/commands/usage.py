"""`sekisho usage`: who used what, what it cost, and the report about it."""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, load
from gateway.commands.corrections import FORGET_EXAMPLE, REPRICE_EXAMPLE, forget, reprice
from gateway.commands.days import From, To, Zone, wrong_use
from gateway.commands.report import report
from gateway.commands.tables import AsCsv, show
from gateway.errors import ConfigError, InvalidRequest
from gateway.files import replacing
from gateway.ledger.files import forget_abandoned
from gateway.reports import athena, export, sql
from gateway.reports.connection import ask
from gateway.reports.dimensions import DIMENSIONS, MEASURES, parse
from gateway.reports.span import span_of
from gateway.reports.summary import Question, summary
from gateway.reports.time_limit import OutOfTime, within

app = typer.Typer(no_args_is_help=True, help="Who used what, and what it cost: questions about the ledger.")
app.command(epilog="Example: sekisho usage report --from 2025-04-01 --to 2025-04-30 -o april.html --lang ja")(report)
app.command(epilog=FORGET_EXAMPLE)(forget)
app.command(epilog=REPRICE_EXAMPLE)(reprice)


@app.command("summary", epilog="Example: sekisho usage summary --from 2026-04-01 --to 2026-04-30 --by team,model")
def summary_command(
    first: From = None,
    to: To = None,
    by: Annotated[str, typer.Option(help=f"Any of {', '.join(DIMENSIONS)}; with commas.")] = "model",
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="E.g. team=research; repeatable.")
    ] = None,
    timezone: Zone = "UTC",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows at most.")] = 1000,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Requests, tokens and cost, by any of the dimensions."""
    with wrong_use():
        question = Question(span_of(first, to, timezone), parse(by), _filters(only or []), limit)
    result = ask(load(config).config, question.span, lambda connection: summary(connection, question))
    columns = (*question.by, *(name for name in (*MEASURES, "cost_usd") if name != "cost_nano_usd"))
    total = {**dict.fromkeys(question.by), **result["total"]}
    found = result["rows"] if question.by else [total]
    rows = [tuple(row[name] for name in columns) for row in found]
    footer = tuple(total[name] for name in columns) if question.by else None
    show(columns, rows, result if as_json else None, as_csv, footer=footer, more=result["more"] if question.by else 0)


@app.command("sql", epilog='Example: sekisho usage sql "SELECT dt, count(*) FROM ledger GROUP BY dt ORDER BY dt"')
def sql_command(
    query: Annotated[str, typer.Argument(help="One SELECT over the view `ledger`; - reads it from standard input.")],
    seconds: Annotated[float, typer.Option("--timeout", min=1, max=3600, help="Seconds it may take.")] = 60,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows at most.")] = 10_000,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Ask in SQL; read-only. `DESCRIBE ledger` lists the columns."""
    text = sys.stdin.read() if query == "-" else query
    data_dir = load(config).config.data_dir
    try:
        result = within(seconds, _answered, config, text, seconds, limit)
    except OutOfTime:
        forget_abandoned(data_dir)
        raise ConfigError(sql.OUT_OF_TIME.format(seconds=seconds)) from None
    named = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    show(result.columns, result.rows, named if as_json else None, as_csv, more="some" if result.more else 0)


@app.command("export", epilog="Example: sekisho usage export --from 2026-04-01 --to 2026-04-30 -o april.parquet")
def export_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; .csv, .jsonl or .parquet.", dir_okay=False)],
    first: From = None,
    to: To = None,
    timezone: Zone = "UTC",
    kind: Annotated[export.Format | None, typer.Option("--format", help="As the file's ending says.")] = None,
    config: ConfigFile = DEFAULT,
) -> None:
    """Write the records themselves to a file, oldest first."""
    with wrong_use():
        span = span_of(first, to, timezone)
    file_format = kind or export.format_of(output)
    with replacing(output.resolve()) as partial:
        count = ask(
            load(config).config,
            span,
            lambda connection: export.export(connection, span, partial, file_format),
            target=partial,
        )
    typer.echo(f"{output}: {count} records of {span.first} to {span.last}.")


@app.command(epilog="Example: sekisho usage ddl --for athena > ledger.sql")
def ddl(
    engine: Annotated[Literal["athena"], typer.Option("--for", help="Who shall read the Parquet files.")] = "athena",
    location: Annotated[str | None, typer.Option(help="s3://… of the files; as configured by default.")] = None,
    table: Annotated[str, typer.Option(help="Name of the table.")] = "ledger",
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="The first record's day.")] = "2026-01-01",
    queries: Annotated[bool, typer.Option("--queries", help="Queries for cost by person, team, … as well.")] = False,
    config: ConfigFile = DEFAULT,
) -> None:
    """Print the table for Athena: partitions by projection, nothing to crawl or to repair."""
    place = location or load(config).config.ledger.destination or ""
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[^'`\s]*)?", place):
        raise ConfigError(f"location: Athena reads s3://…, not '{place}'; set ledger.destination or say --location.")
    if not re.fullmatch(r"[A-Za-z_]\w{0,254}", table):
        raise ConfigError(f"table: '{table}' is not a name such as ledger")
    with wrong_use():
        span = span_of(first, None)
    typer.echo(athena.ddl(place, table, span.first), nl=False)
    for name, text in athena.queries(span.last.replace(day=1), span.last, table).items() if queries else ():
        typer.echo(f"\n-- {name}\n{text};")


def _answered(begun: Callable[[], None], config: Path, text: str, seconds: float, limit: int) -> sql.Table:
    with wrong_use():
        asked = functools.partial(sql.run, text=text, begun=begun, seconds=seconds, limit=limit)
        return ask(load(config).config, None, asked)


def _filters(only: list[str]) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for each in only:
        name, equals, value = each.partition("=")
        if not equals or name not in DIMENSIONS:
            raise InvalidRequest(f"only: {each!r:.80} is not NAME=VALUE; names: {', '.join(DIMENSIONS)}.")
        filters.setdefault(name, []).append(value)
    return filters
