"""Bringing the stack up: everything starts at once, then the pack goes in."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from install.embedded.keys import first_secrets, with_keys
from install.embedded.layout import Layout, Say, StackSecrets, load_secrets
from install.embedded.model_file import cached, model_file
from install.embedded.pack import install_pack, remember_stack
from install.embedded.parts import (
    Ports,
    chat_part,
    embedding_part,
    find_open_webui,
    gateway_part,
    open_webui_part,
    write_config,
)
from install.embedded.processes import Part, all_stopped, free_port, require_free
from install.errors import InstallError

NEEDED_MIB = 600
"""Weights, Open WebUI's data, room for logs."""


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
        return self.ports.open_webui_url

    @property
    def gateway_url(self) -> str:
        return self.ports.gateway_url

    def watch(self) -> list[str]:
        """Start parts again that have ended; return a sentence for each."""
        return [said for part in self.parts if (said := part.revive())]


@contextmanager
def running(
    data: Path,
    open_webui: Path | None,
    gateway_port: int,
    open_webui_port: int,
    manifest: Path | None,
    say: Say,
) -> Iterator[Stack]:
    """Run the stack for as long as the block; `manifest` None is the one of its last start. Raises `InstallError`."""
    program = find_open_webui(open_webui)
    layout = Layout(data.absolute())
    _require_space(layout)
    with layout.alone():
        require_free(gateway_port, "the gateway", "--gateway-port")
        require_free(open_webui_port, "Open WebUI", "--open-webui-port")
        ports = Ports(free_port(), free_port(), gateway_port, open_webui_port)
        project = remember_stack(layout, ports, manifest)
        kept = load_secrets(layout)
        write_config(layout)
        secrets = with_keys(layout, ports, kept or first_secrets(layout), say)
        with all_stopped([]) as parts:
            _start_all(parts, layout, ports, secrets, program, say)
            stack = Stack(layout, secrets, ports, parts, first_start=kept is None)
            say(install_pack(project, secrets, given=manifest is not None))
            yield stack


def _start_all(parts: list[Part], layout: Layout, ports: Ports, secrets: StackSecrets, program: Path, say: Say) -> None:
    """Start every part at once, then wait for each. Raises `InstallError`."""
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
