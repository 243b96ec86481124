"""`sekisho plan`, `apply`, `status`, `rollback` and `remove`: the pack in a running Open WebUI."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.text import Text

from install import report
from install.doctor.secret_check import wrong_secret
from install.errors import Drift
from install.open_webui import OpenWebUI
from install.options import PACK, Json, PackOptions, ServerOptions, takes_pack_options, takes_server_options
from install.pack.engine.apply import carry_out, verify
from install.pack.engine.change import Plan
from install.pack.engine.model_check import mark_wrong_answers, require_gateway_answers
from install.pack.engine.plan import make_plan, plan_state
from install.pack.engine.receipts import Receipts, nothing_applied
from install.pack.engine.rollback import plan_rollback
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.resources.kind import Wanted
from install.wording import say, term

Force = Annotated[
    bool, typer.Option("--force", help="Overwrite what somebody else wrote or edited.", rich_help_panel=PACK)
]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 3 also if something would merely change.")]
FewerModels = Annotated[
    bool,
    typer.Option(
        "--fewer-models",
        help="The gateway's list may have lost half of the published models or more.",
        rich_help_panel=PACK,
    ),
]
Diff = Annotated[bool, typer.Option("--diff", help="Show the changed lines of plugins.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen. Nothing is changed.")]
ReceiptName = Annotated[
    str | None,
    typer.Argument(
        metavar="[RECEIPT]",
        help="Back to what this receipt left (its beginning will do).",
        show_default="undo the last one",
    ),
]


@takes_pack_options
def plan(
    pack: PackOptions,
    force: Force = False,
    fewer_models: FewerModels = False,
    exit_code: ExitCode = False,
    diff: Diff = False,
    json: Json = False,
) -> None:
    """Show what `apply` would change. Nothing is changed. Exits with 3 if something was edited by hand."""
    manifest = read_manifest(pack.manifest_file)
    with pack.connected() as client:
        desired = pack.desired(force=force, fewer_models=fewer_models)
        found = _checked(make_plan(client, manifest, desired, pack.receipts().known()), pack)
    _show(found, json, diff=diff)
    if found.blocked or found.problem or exit_code:
        _fail_on_difference(found)


@takes_pack_options
def apply(pack: PackOptions, force: Force = False, fewer_models: FewerModels = False, json: Json = False) -> None:
    """Put the pack into Open WebUI, then read it back. A second time changes nothing."""
    manifest = read_manifest(pack.manifest_file)
    receipts = pack.receipts()
    desired = pack.desired(force=force, fewer_models=fewer_models)
    with pack.connected() as client:
        pack.remember()
        _carry_out(client, receipts, "apply", _Asking(client, manifest, desired, receipts), json)


@takes_pack_options
def status(pack: PackOptions, json: Json = False) -> None:
    """List everything the manifest asks for, and the receipts. Exits with 3 if something differs."""
    manifest = read_manifest(pack.manifest_file)
    receipts = pack.receipts()
    with pack.connected() as client:
        found = mark_wrong_answers(client, make_plan(client, manifest, pack.desired(), receipts.known()))
        found = _checked(found, pack)
    _show(found, json, everything=True, receipts=receipts)
    _fail_on_difference(found)


@takes_server_options
def rollback(
    server: ServerOptions,
    receipt: ReceiptName = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put everything back as a former `apply` left it: code, valves, connections, models, settings."""
    receipts = server.receipts()
    # Settled before anything is written: the receipt of this run comes after it.
    to, exactly = receipt or receipts.before_last(), receipt is None
    with server.connected() as client:
        make = lambda: plan_rollback(client, receipts, to, exactly=exactly, force=force)  # noqa: E731
        _carry_out(client, receipts, "rollback", make, json, dry_run=dry_run)


@takes_server_options
def remove(server: ServerOptions, force: Force = False, dry_run: DryRun = False, json: Json = False) -> None:
    """Take away what the pack brought and restore what it changed, and nothing else."""
    receipts = server.receipts()
    if not receipts.all():
        raise nothing_applied(receipts.folder)
    nothing: tuple[Wanted, ...] = ()
    with server.connected() as client:
        make = lambda: plan_state(client, nothing, receipts.known(), force=force)  # noqa: E731
        _carry_out(client, receipts, "remove", make, json, dry_run=dry_run)


@dataclass(slots=True)
class _Asking:
    """Plans, and asks whoever sits there whether a list that has become so short is meant."""

    client: OpenWebUI
    manifest: Manifest
    desired: Options
    receipts: Receipts
    asked: bool = False

    def __call__(self) -> Plan:
        found = self._plan()
        if found.held and not self.asked and sys.stdin.isatty():
            self.asked = True
            question = say(
                "The gateway does not list {held} of the published models. Take them away?", held=len(found.held)
            )
            if typer.confirm(question, err=True):
                self.desired = replace(self.desired, fewer_models=True)
                return self._plan()
        return found

    def _plan(self) -> Plan:
        found = make_plan(self.client, self.manifest, self.desired, self.receipts.known())
        return replace(found, problem=wrong_secret(found, self.desired.gateway_url))


def _carry_out(
    client: OpenWebUI,
    receipts: Receipts,
    command: str,
    make: Callable[[], Plan],
    json: bool,
    *,
    dry_run: bool = False,
) -> None:
    """Plan, write, read back, report. Raises what a part raises, `Drift` last."""
    if dry_run:
        found = make()
        _show(found, json)
    else:
        with receipts.alone():
            found = make()
            _write(client, receipts, command, found, make, json)
    left = [f"{term(change.kind)} {change.id}" for change in found.blocked if change not in found.held]
    if left:
        raise Drift(
            say("Left alone because somebody else wrote or edited it: {left}.", left=", ".join(left)),
            say("Save those changes elsewhere, then run the command again with --force."),
        )
    if found.held:
        raise _list_shrunk(len(found.held))
    if found.problem:
        raise typer.Exit(Drift.exit_code)


def _write(
    client: OpenWebUI, receipts: Receipts, command: str, found: Plan, make: Callable[[], Plan], json: bool
) -> None:
    out = report.quiet() if json else report.console()
    with report.progress(out, len(found.pending)) as on_done:
        receipt = carry_out(client, found, receipts, command, on_done)
        if found.pending:
            verify(make, client, found)
        else:
            require_gateway_answers(client, found)
    if json:
        print(report.as_json(found, receipt=receipt))
        return
    if found.pending:
        out.print(
            Text(say("{pending} done and read back. Receipt {receipt}.", pending=len(found.pending), receipt=receipt))
        )
    elif not found.blocked:
        out.print(Text(say("Nothing to change.")))
    for change in found.changes:
        if change.blocked or change.forget:
            out.print(report.line(change))
    report.show_notes(found, out)


def _show(
    found: Plan, json: bool, *, everything: bool = False, diff: bool = False, receipts: Receipts | None = None
) -> None:
    if json:
        print(report.as_json(found, diff=diff, receipts=receipts))
        return
    out = report.console()
    report.show(found, out, everything=everything, diff=diff)
    if receipts:
        report.show_receipts(receipts, out)


def _checked(found: Plan, pack: PackOptions) -> Plan:
    return replace(found, problem=wrong_secret(found, pack.gateway_url))


def _fail_on_difference(found: Plan) -> None:
    if found.problem and not found.pending and not found.blocked:
        raise typer.Exit(Drift.exit_code)
    if found.pending or found.blocked:
        raise _drift(len(found.pending), len(found.blocked))


def _drift(pending: int, blocked: int) -> Drift:
    count = pending + blocked
    problem = say("1 thing differs from the manifest.")
    if count != 1:
        problem = say("{count} things differ from the manifest.", count=count)
    if blocked:
        return Drift(
            problem, say("`sekisho apply` puts it right, with --force also what somebody else wrote or edited.")
        )
    return Drift(problem, say("`sekisho apply` puts it right."))


def _list_shrunk(missing: int) -> Drift:
    problem = say("Half of the gateway's models or more are gone: a published model is not listed, and left alone.")
    if missing != 1:
        problem = say(
            "Half of the gateway's models or more are gone: {missing} published models are not listed, and left alone.",
            missing=missing,
        )
    return Drift(
        problem,
        say("If that is meant, run the command again with --fewer-models; if not, mend the gateway first."),
    )
