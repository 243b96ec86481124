"""From the options of a command to what a configuration is written from."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from gateway.presets.model import CONVERSING, cheapest
from gateway.secret import Secret, weakness
from install.client import asking
from install.client.keeping import KeyBox
from install.client.setup import Model, Setup, places
from install.client.signing_in.renewing import fresh, key_for
from install.client.tool import Tool
from install.errors import GatewayError, UsageError
from install.wording import say

_COMMAND_SECONDS = 120
_LEFT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person asked for; None = what fits."""

    address: str
    key: Secret | None = None
    command: tuple[str, ...] | None = None
    model: str | None = None
    small: str | None = None
    completion: str | None = None
    written: bool = False
    """The key is put into a file, or shown."""


def key_folder() -> Path:
    """Return the folder of a person's own settings of Sekisho."""
    return places(os.environ).config / "sekisho"


def key_command(root: str) -> tuple[str, ...]:
    """Return the command that prints the kept key, as other programs can start it."""
    program = shutil.which("sekisho")
    return (program, "key", root) if program else (sys.executable, "-m", "install", "key", root)


def prepare(wishes: Wishes, tool: Tool) -> Setup:
    """Ask the gateway what the key may use, and choose. Raises `GatewayError`, `UsageError`."""
    root = asking.root_of(wishes.address)
    key, own_command = _key(wishes, root, tool)
    with asking.client(root) as http:
        models = asking.read_models(http, key)
        main = asking.choose(models, wishes.model, CONVERSING) or models[0]
        completion = asking.choose(models, wishes.completion, ("completion",))
        small = _small(http, key, models, main, wishes.small)
    command = own_command if tool.takes_command else None
    return Setup(root, key, main, small, places(os.environ), completion, models, command)


def masked(setup: Setup) -> Setup:
    """Return the same with a key that can be shown."""
    if setup.key is None:
        return setup
    return replace(setup, key=Secret(f"sk-…{setup.key.reveal()[-_LEFT:]}"))


def for_everybody(setup: Setup, tool: Tool) -> Setup:
    """Return what a company rolls out: nobody's key, but the command or the variable that yields one's own."""
    command = ("sekisho", "key", setup.root) if tool.takes_command else None
    return replace(setup, key=None, command=command)


def run_key_command(command: Sequence[str]) -> Secret:
    """Return the key that a command prints. Raises `UsageError`; what it printed is never shown."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=_COMMAND_SECONDS)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _no_key(command, type(error).__name__) from error
    printed = done.stdout.strip()
    if done.returncode or weakness(printed):
        raise _no_key(command, f"exit {done.returncode}")
    return Secret(printed)


def split_command(text: str) -> tuple[str, ...]:
    """Return a command's parts. Raises `UsageError`."""
    try:
        parts = tuple(shlex.split(text))
    except ValueError:
        parts = ()
    if not parts:
        raise UsageError(
            say("The command for the key cannot be read."), say("Write it as in a shell: --key-command 'pass show ai'.")
        )
    return parts


def _key(wishes: Wishes, root: str, tool: Tool) -> tuple[Secret, tuple[str, ...] | None]:
    """Return the key and the command that prints it: what was given, else what `sekisho key` keeps.

    A sign-in's key ends within hours, so that a tool without a command for it gets one of its own.
    """
    if wishes.command:
        return run_key_command(wishes.command), wishes.command
    if wishes.key:
        return wishes.key, None
    box = KeyBox(key_folder())
    kept = fresh(box, root)
    if kept and not kept.ended:
        own = key_for(box, kept, tool.name) if kept.renewal and wishes.written and not tool.takes_command else kept
        return own.key, key_command(root)
    raise UsageError(
        say("The key is missing."),
        say("Sign in with `sekisho login`, pass --key, set SEKISHO_API_KEY, or name a command with --key-command."),
    )


def _small(http: httpx2.Client, key: Secret, models: Sequence[Model], main: Model, name: str | None) -> Model:
    """Return the model with a name, else the cheapest that stays, else the main one where no prices can be read."""
    if name is not None:
        return asking.choose(models, name, CONVERSING) or main
    try:
        return cheapest(models, asking.read_prices(http, key, main.id), main)
    except GatewayError:
        return main


def _no_key(command: Sequence[str], why: str) -> UsageError:
    return UsageError(
        say("The command {command} printed no key ({why}).", command=command[0], why=why),
        say("Run it by hand: it has to print the key, and nothing else, to its standard output."),
    )
