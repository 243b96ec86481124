"""`sekisho ledger`: ship, join, and see how it stands."""

import os
from typing import Annotated

import typer
from rich.table import Table

from gateway.commands.common import DEFAULT, AsJson, ConfigFile, console, load, print_json
from gateway.ledger.errors import NotAgreeing, NothingRecorded
from gateway.ledger.status import Status, status_of
from gateway.maintenance.closing import close_running

app = typer.Typer(no_args_is_help=True, help="The ledger's files: ship segments, join small files, see how it stands.")


@app.command(epilog="Example: sekisho ledger ship --all && sekisho ledger status")
def ship(
    config: ConfigFile = DEFAULT,
    everything: Annotated[bool, typer.Option("--all", help="Also what running gateways are writing now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write closed segments as Parquet to `ledger.destination`. Doing it twice changes nothing."""
    from gateway.maintenance.shipping import ship as shipping

    loaded = load(config).config
    if everything:
        close_running(loaded)
    done = shipping(loaded)
    if as_json:
        print_json(done)
        return
    typer.echo(
        f"Shipped {done.records:,} records of {done.segments} segments as {done.files} files, {done.bytes:,} bytes, "
        f"in {done.seconds:.1f} s." + (f" {done.damaged} damaged lines are in ledger/damaged." if done.damaged else "")
    )


@app.command(epilog="Example: sekisho ledger compact")
def compact(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Join the small files of hours that are over."""
    from gateway.maintenance.compaction import compact as joining

    done = joining(load(config).config)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"Joined {done.before} files of {done.partitions} hours into {done.bytes:,} bytes.")


@app.command(epilog="Example: sekisho ledger tend    # what a running gateway does by itself")
def tend(config: ConfigFile = DEFAULT) -> None:
    """Ship, join small files, drop what `retention_days` no longer covers; with low priority."""
    from gateway.maintenance.tasks import maintain
    from gateway.reports.rollup import keep_sums

    os.nice(10)
    loaded = load(config).config
    maintain(loaded)
    keep_sums(loaded)


@app.command(epilog="Example: sekisho ledger content 0f3a… --json | jq -r .answer")
def content(
    request_id: Annotated[str, typer.Argument(help="As the ledger and x-sekisho-request-id tell it.")],
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show the recorded prompt and answer of a request, where its key is one of `ledger.content.keys`."""
    from gateway.ledger.contents import content_of, text_of

    recorded = content_of(load(config).config, request_id)
    if recorded is None:
        raise NothingRecorded(request_id)
    texts = {"prompt": text_of(recorded.prompt), "answer": text_of(recorded.answer)}
    if as_json:
        print_json(texts)
    else:
        typer.echo("\n\n".join(texts.values()))


@app.command(epilog="Example: sekisho ledger status --json | jq .agrees")
def status(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say how many records came in and went out, and what waits; exit 1 where the numbers do not agree."""
    current = status_of(load(config).config)
    if as_json:
        print_json(current)
    else:
        console.print(_table(current))
    if not current.agrees:
        raise NotAgreeing(current.records_in, current.records_out + current.waiting)


def _table(current: Status) -> Table:
    table = Table(box=None, show_header=False)
    rows = {
        "records in": f"{current.records_in:,}",
        "records out": f"{current.records_out:,} in Parquet",
        "waiting": f"{current.waiting:,} ({current.waiting_bytes:,} bytes)",
        "lag": "–" if current.lag_seconds is None else f"{current.lag_seconds:,.0f} s",
        "damaged lines": f"{current.damaged:,}",
        "destination": current.destination,
        "last problem": current.problem or "none",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
