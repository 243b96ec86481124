"""`sekisho key`: print one's own key for the tools that run a command for it; keep it, forget it."""

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.secret import Secret
from install.client import asking
from install.client.keeping import KeptKey, KeyBox
from install.client.preparing import key_folder
from install.client.signing_in.renewing import fresh, keep, key_for
from install.commands.login import sign_in
from install.errors import UsageError
from install.options import GATEWAY, Lang, given_secret
from install.wording import language_of, say, speak

SOON_SECONDS = 7 * 86_400

Gateway = Annotated[
    str | None,
    typer.Argument(envvar="SEKISHO_GATEWAY_URL", help="Address of the gateway.", show_default="the last one kept"),
]
Key = Annotated[
    Secret | None,
    typer.Option(
        envvar="SEKISHO_API_KEY", parser=given_secret, metavar="KEY", help="The key to keep.", rich_help_panel=GATEWAY
    ),
]


def key(
    gateway: Gateway = None,
    key: Key = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the key, after trying it.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Delete the kept key.")] = False,
    tool: Annotated[
        str | None,
        typer.Option("--for", metavar="TOOL", help="Print a key that lasts, for a tool that keeps it."),
    ] = None,
    lang: Lang = None,
) -> None:
    """Print your key at a gateway, renewed before it ends: from the system's keyring, or a file that only you read."""
    speak(language_of(lang, os.environ))
    box = KeyBox(key_folder())
    root = asking.root_of(gateway) if gateway else box.newest()
    if root is None:
        raise UsageError(say("No key is kept."), say("Sign in: `sekisho login https://gateway.example.com`."))
    if forget:
        _forget(box, root)
    elif save:
        _save(box, root, key or _asked())
    elif tool:
        typer.echo(_for(box, root, tool).key.reveal())
    else:
        typer.echo(_found(box, root).key.reveal())


def _for(box: KeyBox, root: str, tool: str) -> KeptKey:
    """Return a key for a tool that keeps it: its own one by a sign-in, else the kept one. Raises `GatewayError`."""
    kept = fresh(box, root)
    if kept is None or kept.ended:
        kept = keep(box, root, sign_in(root, by_code=False))
    return key_for(box, kept, tool) if kept.renewal else kept


def _found(box: KeyBox, root: str) -> KeptKey:
    """Return the kept key; warn before it ends. Raises `UsageError`, `GatewayError`."""
    kept = fresh(box, root)
    if kept is None:
        raise UsageError(
            say("No key is kept for {root}.", root=root),
            say("Sign in: `sekisho login {root}`, or keep a key: `sekisho key {root} --save`.", root=root),
        )
    if kept.ended:
        raise UsageError(
            say("The key at {root} has ended.", root=root),
            say("Sign in: `sekisho login {root}`, or keep a key: `sekisho key {root} --save`.", root=root),
        )
    left = kept.ends - datetime.now(UTC).timestamp() if kept.ends else None
    if left is not None and left < SOON_SECONDS and not kept.renewal and sys.stderr.isatty():
        typer.echo(say("The key at {root} ends in {days} days.", root=root, days=int(left // 86_400)), err=True)
    return kept


def _save(box: KeyBox, root: str, key: Secret) -> None:
    with asking.client(root) as http:
        ends = asking.read_end(http, key)
    box.keep(KeptKey(root, key, ends))
    typer.echo(say("The key at {root} is kept.", root=root), err=True)


def _forget(box: KeyBox, root: str) -> None:
    known = box.forget(root)
    told = say("The key at {root} is forgotten.", root=root) if known else say("No key is kept for {root}.", root=root)
    typer.echo(told, err=True)


def _asked() -> Secret:
    """Return the key that a person types, or that comes from standard input."""
    if not sys.stdin.isatty():
        return given_secret(sys.stdin.readline(4096).strip())
    return given_secret(typer.prompt(say("Your key"), hide_input=True, err=True))
