"""`sekisho doctor`: what is wrong, and how to mend it."""

from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console

from gateway.errors import SekishoError
from gateway.secret import Secret
from install import report
from install.doctor import report as screen
from install.doctor.checks import CHECKS, clock
from install.doctor.examine import examine
from install.doctor.finding import Finding, State
from install.doctor.ledger import Gateway
from install.doctor.probes import PROBES, Round, chat_model
from install.doctor.target import DoctorTarget
from install.doctor.texts import Texts
from install.errors import GatewayError
from install.open_webui import OpenWebUI
from install.options import GATEWAY, Json, PackOptions, given_secret, takes_pack_options
from install.pack.engine.change import Plan
from install.pack.engine.plan import make_plan
from install.pack.manifest import read_manifest
from install.wording import spoken

DOCTOR = "Doctor"

AdminKey = Annotated[
    Secret | None,
    typer.Option(
        "--admin-key",
        envvar="SEKISHO_ADMIN_KEY",
        parser=given_secret,
        metavar="KEY",
        help="The gateway's admin_key, to read its ledger.",
        rich_help_panel=GATEWAY,
    ),
]
FromHere = Annotated[
    str | None,
    typer.Option(
        envvar="SEKISHO_GATEWAY_FROM_HERE",
        help="Address of the gateway as this machine reaches it.",
        show_default="--gateway-url",
        rich_help_panel=GATEWAY,
    ),
]
Model = Annotated[
    str | None, typer.Option(help="Ask this model.", show_default="the first one listed", rich_help_panel=DOCTOR)
]
Skip = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Leave a way out ({', '.join(probe.name for probe in PROBES)}); may be repeated.", rich_help_panel=DOCTOR
    ),
]


@takes_pack_options
def doctor(
    pack: PackOptions,
    admin_key: AdminKey = None,
    gateway_from_here: FromHere = None,
    model: Model = None,
    skip: Skip = None,
    json: Json = False,
) -> None:
    """Send a small request along each way to a model and look into the ledger who it says was asking.

    Costs a few tokens, one spoken sentence and one image where those are configured. Exits with 1 if something failed.
    """
    _require_names(skip or [])
    text = Texts(spoken())
    key = admin_key or pack.kept("admin_key")
    out = report.quiet() if json else report.console()
    with (
        closing(Gateway(gateway_from_here or pack.gateway_url, key)) as gateway,
        pack.connected() as client,
    ):
        plan, why = _plan(client, pack)
        target = DoctorTarget(
            client, gateway, pack.gateway_url.rstrip("/"), text, plan, why, model, frozenset(skip or [])
        )
        target.read()
        checks = _looked_at(target, text, out)
        probes = _probed(target, text, out)
        checks.append(clock(target))
        screen.show("title.clock", checks[-1:], text, out)
    if json:
        print(screen.as_json(checks, probes, text))
    screen.show_summary([*checks, *probes], text, out)
    if any(each.state is State.FAILED for each in (*checks, *probes)):
        raise typer.Exit(1)


def _require_names(skip: list[str]) -> None:
    known = [probe.name for probe in PROBES]
    for name in skip:
        if name not in known:
            raise typer.BadParameter(f"{name}: there are {', '.join(known)}", param_hint="--skip")


def _plan(client: OpenWebUI, pack: PackOptions) -> tuple[Plan | None, str]:
    try:
        manifest = read_manifest(pack.manifest_file)
        return make_plan(client, manifest, pack.desired(), pack.receipts().known()), ""
    except SekishoError as error:
        return None, str(error)


def _looked_at(target: DoctorTarget, text: Texts, out: Console) -> list[Finding]:
    with out.status("…"):
        findings = [check(target) for check in CHECKS]
    screen.show("title.checks", findings, text, out)
    return findings


def _probed(target: DoctorTarget, text: Texts, out: Console) -> list[Finding]:
    findings = _probe_all(target, out)
    screen.show("title.probes", findings, text, out)
    return findings


def _probe_all(target: DoctorTarget, out: Console) -> list[Finding]:
    text = target.text
    if not target.ledger_open:
        return [Finding(probe.name, State.UNKNOWN, text("off.no_ledger")) for probe in PROBES]
    try:
        model = chat_model(target)
    except GatewayError:
        model = None
    if model is None:
        return [Finding(probe.name, State.OFF, text("off.no_model")) for probe in PROBES]
    round = Round(target, model)
    findings: list[Finding] = []
    with out.status("") as status:
        for probe in PROBES:
            status.update(f"{text(probe.name)} …")
            findings.append(examine(round, probe))
    if round.chat_id:
        target.client.paths.forget_chat(round.chat_id)
    return findings
