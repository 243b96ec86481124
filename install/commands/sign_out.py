"""`sekisho sign-out`: forget the sessions that commands keep."""

from typing import Annotated

import typer

from install.open_webui import TokenCache
from install.options import ServerOptions, takes_server_options
from install.wording import say

All = Annotated[bool, typer.Option("--all", help="Of every server, not only of this one.")]


@takes_server_options
def sign_out(server: ServerOptions, every: All = False) -> None:
    """Forget the sign-ins kept on this machine; the next command asks for the password again."""
    files = sorted(server.folder.parent.glob("*/tokens.json")) if every else [server.folder / "tokens.json"]
    forgotten = [email for file in files for email in TokenCache(file).clear()]
    print(
        say("Signed out: {forgotten}.", forgotten=", ".join(forgotten)) if forgotten else say("Nobody was signed in.")
    )
