"""The pack in the stack: put in at each start, except where somebody else has decided otherwise."""

import os
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from gateway.project import ADMIN_EMAIL, Project, at, remember
from install.embedded.layout import EMBEDDING_MODEL, Layout, StackSecrets
from install.embedded.parts import Ports, shown_variables
from install.open_webui import OpenWebUI, Password, connect
from install.pack.engine.applied import Key
from install.pack.engine.apply import carry_out, verify
from install.pack.engine.change import Plan
from install.pack.engine.plan import make_plan
from install.pack.engine.receipts import Receipts, server_folder
from install.pack.inputs import Options
from install.pack.manifest import BUNDLED, Manifest, read_manifest

COMMAND = "up"


def remember_stack(layout: Layout, ports: Ports, given: Path | None) -> Project:
    """Write down how the stack is reached, for commands in this folder; a manifest that was given stays until another.

    Raises `InstallError` where the given one cannot be read.
    """
    if given:
        read_manifest(given)
    former = at(layout.data)
    manifest = given.absolute() if given else former.manifest if former else None
    project = Project(
        layout.data, ports.open_webui_url, ports.gateway_url, manifest, EMBEDDING_MODEL, shown_variables(ports)
    )
    remember(project, Path.cwd())
    return project


def install_pack(project: Project, secrets: StackSecrets, *, given: bool) -> str:
    """Put the pack in and return what was done. Raises `InstallError`.

    Unless a manifest was given at this start, what others wrote with `sekisho apply` and the like stays theirs.
    """
    if project.manifest and not project.manifest.exists():
        return f"The pack stays as it is: {project.manifest} is gone; name another with --manifest"
    manifest, options = read_manifest(project.manifest or BUNDLED), _options(project, secrets)
    with connect(project.open_webui_url, Password(ADMIN_EMAIL, secrets.admin_password)) as client:
        receipts = Receipts(server_folder(project.receipts, project.open_webui_url))
        theirs = frozenset() if given else _of_others(receipts)
        with receipts.alone():
            return _carry_out(client, manifest, options, receipts, theirs)


def _carry_out(client: OpenWebUI, manifest: Manifest, options: Options, receipts: Receipts, theirs: Set[Key]) -> str:
    def plan() -> Plan:
        found = make_plan(client, manifest, options, receipts.known())
        return replace(found, changes=tuple(each for each in found.changes if (each.kind, each.id) not in theirs))

    made = plan()
    carry_out(client, made, receipts, COMMAND, lambda _: None)
    if not made.pending:
        return "The pack is in place"
    verify(plan, client, made)
    return f"The pack is installed ({len(made.pending)} changes)"


def _of_others(receipts: Receipts) -> Set[Key]:
    """Return what another command wrote. The connection is the stack's own: its key may have to be replaced."""
    written = (step for receipt in receipts.all() if receipt.command != COMMAND for step in receipt.steps)
    return {step.key for step in written if not step.seen and step.kind != "connection"}


def _options(project: Project, secrets: StackSecrets) -> Options:
    return Options(
        gateway_url=project.gateway_url,
        gateway_key=secrets.gateway_key,
        identity_secret=secrets.identity,
        usual_embedding_model=project.embedding_model,
        environment={**os.environ, "SEKISHO_IDENTITY_SECRET": secrets.identity.reveal()},
    )
