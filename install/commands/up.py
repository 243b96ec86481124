"""`sekisho up`: the whole product on this machine."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from gateway.ledger.record import Record
from gateway.project import ADMIN_EMAIL
from install import report
from install.embedded.check import QUESTION
from install.embedded.check import check as check_road
from install.embedded.record_tail import RecordTail, as_line
from install.embedded.stack import Stack, running

Port = Annotated[int, typer.Option(min=1, max=65535)]


def up(
    check: Annotated[
        bool, typer.Option("--check", help="Send one chat through all parts, show its record, stop, exit 0.")
    ] = False,
    data: Annotated[Path, typer.Option(help="Where everything is kept.", file_okay=False)] = Path("sekisho-data"),
    open_webui: Annotated[
        Path | None, typer.Option(help="The open-webui program.", envvar="SEKISHO_OPEN_WEBUI_PROGRAM")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="What belongs to the pack; kept for later starts.",
            envvar="SEKISHO_MANIFEST",
            show_default="the last start's, else the bundled pack.yaml",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    gateway_port: Port = 4000,
    open_webui_port: Port = 8080,
) -> None:
    """Start model, embeddings, gateway and Open WebUI with the pack, on this machine alone. Ctrl-C stops all."""
    # Where the output goes to a file, a line stays a line.
    console = Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else report.PLAIN_WIDTH)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            console.status("Starting …") as status,
            running(
                data,
                open_webui,
                gateway_port,
                open_webui_port,
                manifest,
                lambda message: console.print(f"  {message}"),
            ) as stack,
        ):
            status.stop()
            if check:
                _check(stack, console)
            else:
                _greet(stack, console)
                _scroll(stack, console)
    except KeyboardInterrupt:
        console.print("Stopped. Nothing is lost: the same command goes on from here.")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _greet(stack: Stack, console: Console) -> None:
    lines = [f"Open WebUI  [bold]{stack.url}[/]", f"Gateway     [bold]{stack.gateway_url}[/]"]
    if stack.first_start:
        lines += [
            f"Sign in     {ADMIN_EMAIL} / {stack.secrets.admin_password.reveal()}",
            f"API key     {stack.secrets.api_key.reveal()}",
            "",
            f"Shown only this once; kept in {stack.layout.secrets} (readable by you alone).",
        ]
    else:
        lines += [f"Sign in     {ADMIN_EMAIL}, the password as before (in {stack.layout.secrets})"]
    console.print(Panel("\n".join(lines), title="Sekisho 関所", expand=False))
    console.print("One line a request; Ctrl-C stops everything.")


def _scroll(stack: Stack, console: Console) -> None:
    scroll = RecordTail(stack.layout.gateway)
    while True:
        for said in stack.watch():
            console.print(said, style="yellow", highlight=False, markup=False)
        for record in scroll.new():
            console.print(as_line(record), highlight=False, markup=False)
        time.sleep(0.5)


def _check(stack: Stack, console: Console) -> None:
    checked = check_road(stack)
    console.print(f"Asked     {QUESTION}\nAnswered  {checked.answer}", highlight=False, markup=False)
    console.print(_row(checked.record))
    console.print("[green]The road is open:[/] Open WebUI, gateway, model and ledger agree.")


def _row(record: Record) -> Table:
    """Return the record's fields that are not empty."""
    table = Table("field", "value", title="The record of this chat", box=None, header_style="bold")
    for name, value in msgspec.to_builtins(record).items():
        if value not in (None, []):
            table.add_row(name, str(value))
    return table
