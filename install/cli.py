"""The `sekisho` command: every verb is a function in `commands/`, added here."""

from collections.abc import Callable

import typer

from gateway.cli import register
from install.commands import pack
from install.commands.up import up

app = typer.Typer(
    name="sekisho",
    help="The gate for all AI traffic of a company: the gateway, and the pack for Open WebUI.",
    no_args_is_help=True,
    add_completion=False,
    # Locals in a traceback could be secrets.
    pretty_exceptions_enable=False,
)

SERVER = "--url http://localhost:8080 --email admin@example.com"
GATEWAY = "--gateway-url http://localhost:4000/v1"

COMMANDS: tuple[tuple[Callable[..., None], str, tuple[str, ...]], ...] = (
    (up, "Start here", ("up", "up --check", "up --data /srv/sekisho --open-webui-port 3000")),
    (pack.plan, "Open WebUI", (f"plan {SERVER} {GATEWAY} --gateway-key sk-…", "plan --exit-code --json > plan.json")),
    (pack.apply, "Open WebUI", (f"apply {SERVER} {GATEWAY} --gateway-key sk-…", "apply --manifest pack.yaml --force")),
    (pack.status, "Open WebUI", (f"status {SERVER} {GATEWAY}", "status --json || mail -s drift admin@example.com")),
)
"""Function, panel in `sekisho --help`, examples."""


def _examples(lines: tuple[str, ...]) -> str:
    return "\n\n".join(["Examples:", *(f"  sekisho {line}" for line in lines)])


for function, panel, examples in COMMANDS:
    app.command(rich_help_panel=panel, epilog=_examples(examples))(function)

register(app)
