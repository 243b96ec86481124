"""Bringing the stack up: everything starts at once, the pack goes in, records scroll by."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.config.schema import Config
from gateway.identity import key_admin
from gateway.identity.keys import opened
from gateway.preflight import load
from gateway.secret import Secret
from install.embedded.layout import (
    ADMIN_EMAIL,
    ADMIN_KEY,
    EMBEDDING_MODEL,
    OPEN_WEBUI_KEY,
    Layout,
    StackSecrets,
    load_secrets,
    new_secret,
    save_secrets,
)
from install.embedded.model_file import cached, model_file
from install.embedded.parts import (
    Ports,
    chat_part,
    embedding_part,
    find_open_webui,
    gateway_environment,
    gateway_part,
    open_webui_part,
    write_config,
)
from install.embedded.processes import Part, all_stopped, free_port, require_free
from install.errors import InstallError
from install.open_webui import Password, connect
from install.pack.engine.apply import carry_out, verify
from install.pack.engine.plan import make_plan
from install.pack.engine.receipts import Receipts, server_folder
from install.pack.inputs import Options
from install.pack.manifest import BUNDLED, read_manifest

NEEDED_MIB = 600
"""Weights, Open WebUI's data, room for logs."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack."""

    layout: Layout
    secrets: StackSecrets
    ports: Ports
    parts: list[Part]
    first_start: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.open_webui}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.gateway}/v1"

    def watch(self) -> None:
        """Check that every process still runs. Raises `InstallError`."""
        for part in self.parts:
            if part.process and part.process.poll() is not None:
                raise InstallError(
                    f"{part.name} ended with {part.process.returncode}.",
                    f"Its log is {part.log}; run the command again to start anew.",
                )


@contextmanager
def running(data: Path, open_webui: Path | None, gateway_port: int, open_webui_port: int, say: Say) -> Iterator[Stack]:
    """Run the stack for as long as the block. Raises `InstallError`."""
    program = find_open_webui(open_webui)
    require_free(gateway_port, "the gateway", "--gateway-port")
    require_free(open_webui_port, "Open WebUI", "--open-webui-port")
    layout = Layout(data.absolute())
    _require_space(layout)
    layout.create()
    ports = Ports(free_port(), free_port(), gateway_port, open_webui_port)
    kept = load_secrets(layout)
    write_config(layout)
    secrets = kept or _first_secrets(layout, ports)
    with all_stopped([]) as parts:
        _start(parts, open_webui_part(layout, ports, secrets, program))
        if not cached().exists():
            say("Fetching the model (98 MB, only once) …")
        _start(parts, chat_part(layout, ports, model_file()))
        _start(parts, embedding_part(layout, ports))
        _start(parts, gateway_part(layout, ports, secrets))
        for part in (*parts[1:], parts[0]):
            began = time.monotonic()
            part.wait()
            say(f"{part.name} is up" + _waited(began))
        stack = Stack(layout, secrets, ports, parts, first_start=kept is None)
        say(_install_pack(stack))
        yield stack


def _start(parts: list[Part], part: Part) -> None:
    parts.append(part)
    part.start()


def _waited(began: float) -> str:
    seconds = time.monotonic() - began
    return f" (waited {seconds:.0f} s)" if seconds >= 1 else ""


def _require_space(layout: Layout) -> None:
    folder = next(each for each in (layout.data, *layout.data.parents) if each.exists())
    free = shutil.disk_usage(folder).free // 2**20
    if free < NEEDED_MIB:
        raise InstallError(
            f"{folder} has {free} MiB free; {NEEDED_MIB} MiB are needed.",
            "Free some space, or choose another folder with --data.",
        )


def _first_secrets(layout: Layout, ports: Ports) -> StackSecrets:
    """Make passwords and keys for the first start."""
    nothing = Secret("")
    made = StackSecrets(new_secret(9), new_secret(32), new_secret(32), nothing, nothing, new_secret(18))
    config = load(layout.config, gateway_environment(ports, made)).config
    open_webui, admin = asyncio.run(_make_keys(config))
    secrets = replace(made, gateway_key=open_webui, api_key=admin)
    save_secrets(layout, secrets)
    return secrets


async def _make_keys(config: Config) -> tuple[Secret, Secret]:
    async with opened(config) as store:
        _, open_webui = await key_admin.create(store, OPEN_WEBUI_KEY, owner=ADMIN_EMAIL, identity="open-webui")
        _, admin = await key_admin.create(store, ADMIN_KEY, owner=ADMIN_EMAIL)
        return open_webui, admin


def _install_pack(stack: Stack) -> str:
    manifest = read_manifest(BUNDLED)
    options = Options(
        gateway_url=stack.gateway_url,
        gateway_key=stack.secrets.gateway_key,
        identity_secret=stack.secrets.identity,
        embedding_model=EMBEDDING_MODEL,
        plugins=None,
        environment={"SEKISHO_IDENTITY_SECRET": stack.secrets.identity.reveal()},
        force=False,
    )
    with connect(stack.url, Password(ADMIN_EMAIL, stack.secrets.admin_password)) as client:
        receipts = Receipts(server_folder(stack.layout.receipts, stack.url))
        plan = make_plan(client, manifest, options, receipts.known())
        carry_out(client, plan, receipts, "up", lambda _: None)
        if not plan.pending:
            return "The pack is in place"
        verify(lambda: make_plan(client, manifest, options, receipts.known()), client, plan)
        return f"The pack is installed ({len(plan.pending)} changes)"
