"""`sekisho plan`, `apply` and `status`: the pack in a running Open WebUI."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from install import report
from install.errors import DriftFound, LeftAlone
from install.open_webui import OpenWebUI, connect
from install.options import PACK, Json, PackOptions, takes_pack_options
from install.pack.apply import apply as carry_out
from install.pack.apply import verify
from install.pack.change import Plan
from install.pack.manifest import Manifest, read_manifest
from install.pack.plan import make_plan

Force = Annotated[
    bool, typer.Option("--force", help="Overwrite functions that somebody else wrote.", rich_help_panel=PACK)
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 3 if something would change.")]


@takes_pack_options
def plan(pack: PackOptions, force: Force = False, exit_code: ExitCode = False, json: Json = False) -> None:
    """Show what `apply` would change. Nothing is changed."""
    manifest = read_manifest(pack.manifest)
    with connect(pack.url, pack.credentials()) as client:
        found = make_plan(client, manifest, pack.desired(force=force))
    _show(found, json)
    if exit_code:
        _fail_on_difference(found)


@takes_pack_options
def apply(pack: PackOptions, force: Force = False, json: Json = False) -> None:
    """Put the pack into Open WebUI, then read it back. A second time changes nothing."""
    manifest = read_manifest(pack.manifest)
    with connect(pack.url, pack.credentials()) as client:
        found = make_plan(client, manifest, pack.desired(force=force))
        _apply(client, manifest, pack, found, Console(quiet=True) if json else report.console(), force)
    if json:
        print(report.as_json(found))
    if found.blocked:
        raise LeftAlone(change.name for change in found.blocked)


@takes_pack_options
def status(pack: PackOptions, json: Json = False) -> None:
    """List everything the manifest asks for. Exits with 3 if something differs."""
    manifest = read_manifest(pack.manifest)
    with connect(pack.url, pack.credentials()) as client:
        found = make_plan(client, manifest, pack.desired())
    _show(found, json, everything=True)
    _fail_on_difference(found)


def _show(found: Plan, json: bool, *, everything: bool = False) -> None:
    if json:
        print(report.as_json(found))
    else:
        report.show(found, report.console(), everything=everything)


def _apply(client: OpenWebUI, manifest: Manifest, pack: PackOptions, found: Plan, out: Console, force: bool) -> None:
    if found.pending:
        with out.status("Applying …"):
            carry_out(client, found, lambda change: out.print(report.done(change)))
        with out.status("Reading back …"):
            verify(client, manifest, pack.desired(force=force), found)
        out.print(Text(f"{len(found.pending)} done and read back."))
    elif not found.blocked:
        out.print(Text("Nothing to change."))
    for change in found.blocked:
        out.print(report.line(change))


def _fail_on_difference(found: Plan) -> None:
    if found.pending or found.blocked:
        raise DriftFound(len(found.pending), len(found.blocked))
