"""`sekisho login`: a key of one's own at a gateway, after a yes in the browser; `sekisho logout` ends it."""

import os
from typing import Annotated

import typer

from install.client import asking
from install.client.keeping import KeyBox
from install.client.preparing import key_folder
from install.client.signing_in import device, loopback
from install.client.signing_in.grants import Granted, read_server
from install.client.signing_in.renewing import keep, sign_out
from install.errors import UsageError
from install.options import Lang
from install.wording import language_of, say, speak

Gateway = Annotated[
    str | None,
    typer.Argument(envvar="SEKISHO_GATEWAY_URL", help="Address of the gateway.", show_default="the last one kept"),
]


def login(
    gateway: Gateway = None,
    device: Annotated[
        bool, typer.Option("--device", help="Show a code for a browser on any machine, instead of opening one here.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Sign in at a gateway with the browser: a key of your own is made, kept, and renewed before it ends."""
    speak(language_of(lang, os.environ))
    box = KeyBox(key_folder())
    root = root_of(box, gateway)
    granted = sign_in(root, device)
    keep(box, root, granted)
    who = granted.email or say("with a key of your own")
    tell(say("Signed in at {root}: {who}. Set a tool up with `sekisho client TOOL --write`.", root=root, who=who))


def logout(gateway: Gateway = None, lang: Lang = None) -> None:
    """End your sign-in at a gateway: the keys that it gave, also those of tools, stop working."""
    speak(language_of(lang, os.environ))
    box = KeyBox(key_folder())
    if gateway is None and box.newest() is None:
        tell(say("No sign-in is kept."))
        return
    root = root_of(box, gateway)
    if box.find(root) is None and not box.tools(root):
        tell(say("No key is kept for {root}.", root=root))
        return
    if sign_out(box, root):
        tell(say("Signed out at {root}.", root=root))
    else:
        tell(
            say(
                "Signed out on this machine. {root} does not answer: revoke the key on its pages, or it works on "
                "until it ends.",
                root=root,
            )
        )


def sign_in(root: str, by_code: bool) -> Granted:
    """Return a key after a person's yes. Raises `GatewayError`."""
    with asking.client(root) as http:
        server = read_server(http)
        browser = not by_code and loopback.has_display()
        granted = loopback.sign_in(http, server, tell, loopback.open_browser) if browser else None
        return granted or device.sign_in(http, tell)


def root_of(box: KeyBox, gateway: str | None) -> str:
    """Return the gateway that is meant. Raises `UsageError`."""
    root = asking.root_of(gateway) if gateway else box.newest()
    if root is None:
        raise UsageError(
            say("The address of the gateway is missing."), say("Name it: `sekisho login https://gateway.example.com`.")
        )
    return root


def tell(text: str) -> None:
    """Print beside the output, which holds nothing but keys."""
    typer.echo(text, err=True)
