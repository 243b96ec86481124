"""The `sekisho` command: every verb is a function in `commands/`, added here."""

import sys
from collections.abc import Callable

import typer

from gateway.project import find
from install.commands import client, doctor, key, kit, login, pack
from install.commands.sign_out import sign_out
from install.errors import UsageError


def _stack_that_runs_here() -> dict[str, dict[str, str]]:
    """Return addresses for the commands where nothing else names them."""
    project = find()
    server = {"url": project.open_webui_url} if project else {}
    pack = {**server, "gateway_url": project.gateway_url} if project else {}
    servers, packs = ("rollback", "remove", "dev", "sign-out"), ("plan", "apply", "status", "doctor")
    return {**dict.fromkeys(servers, server), **dict.fromkeys(packs, pack)}


app = typer.Typer(
    name="sekisho",
    context_settings={"default_map": _stack_that_runs_here()},
    help="The gate for all AI traffic of a company: the gateway, and the pack for Open WebUI.",
    no_args_is_help=True,
    add_completion=False,
    # Locals in a traceback could be secrets.
    pretty_exceptions_enable=False,
)

SERVER = "--url http://localhost:8080 --email admin@example.com"
GATEWAY = "--gateway-url http://localhost:4000/v1"
PLUGINS = "Plugins of your own"
TOOLS = "Coding tools and other clients"

COMMANDS: tuple[tuple[Callable[..., None], str, tuple[str, ...]], ...] = (
    (pack.plan, "Open WebUI", (f"plan {SERVER} {GATEWAY} --gateway-key sk-…", "plan --exit-code --json > plan.json")),
    (pack.apply, "Open WebUI", (f"apply {SERVER} {GATEWAY} --gateway-key sk-…", "apply --manifest pack.yaml --force")),
    (pack.status, "Open WebUI", (f"status {SERVER} {GATEWAY}", "status --json || mail -s drift admin@example.com")),
    (pack.rollback, "Open WebUI", ("rollback --dry-run", "rollback 0007")),
    (
        doctor.doctor,
        "Open WebUI",
        (f"doctor {GATEWAY} --admin-key …", "doctor --lang ja --skip images"),
    ),
    (pack.remove, "Open WebUI", ("remove --dry-run", f"remove {SERVER}")),
    (sign_out, "Open WebUI", (f"sign-out {SERVER}", "sign-out --all")),
    (
        client.client,
        TOOLS,
        (
            "client claude-code --gateway https://gateway.example.com --key sk-… --write",
            "client codex --key-command 'pass show sekisho' --model coder --check",
            "client opencode --managed",
        ),
    ),
    (login.login, TOOLS, ("login https://gateway.example.com", "login --device")),
    (login.logout, TOOLS, ("logout",)),
    (key.key, TOOLS, ("key https://gateway.example.com --save", "key", "key --for opencode", "key --forget")),
    (kit.new, PLUGINS, ("new pipe travel_desk --title 'Travel desk' --title-ja 出張窓口", "new tool rates")),
    (kit.check, PLUGINS, ("check", "check --strict pipes/travel_desk.py --lang ja", "check --json > findings.json")),
    (kit.test, PLUGINS, ("test pipes/travel_desk.py", "test pipes tools --json")),
    (kit.dev, PLUGINS, (f"dev {SERVER}", f"dev pipes/travel_desk.py {SERVER} --log open-webui.log")),
)
"""Function, panel in `sekisho --help`, examples."""


def _examples(lines: tuple[str, ...]) -> str:
    return "\n\n".join(["Examples:", *(f"  sekisho {line}" for line in lines)])


for function, panel, examples in COMMANDS:
    app.command(rich_help_panel=panel, epilog=_examples(examples))(function)


def _add_gateway() -> None:
    """Add the commands that need the gateway's dependencies; where those are missing they say how to install them."""
    try:
        from gateway.commands import register
        from install.commands.up import up
    except ModuleNotFoundError as missing:
        _add_signposts(missing)
        return
    examples = ("up", "up --check", "up --data /srv/sekisho --open-webui-port 3000")
    app.command(rich_help_panel="Start here", epilog=_examples(examples))(up)
    register(app)


_GATEWAY = ("serve", "keys", "budgets", "config", "usage", "ledger", "models", "audit", "mcp")
EXTRAS: dict[str, str] = dict.fromkeys(_GATEWAY, "gateway") | {"up": "embedded"}


def _add_signposts(missing: ModuleNotFoundError) -> None:
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    for verb, extra in EXTRAS.items():
        help = f"Needs `pip install '.[{extra}]'` in the checkout of Sekisho."
        app.command(verb, help=help, context_settings=settings)(_signpost(verb, extra, missing))


def _signpost(verb: str, extra: str, missing: ModuleNotFoundError) -> Callable[[], None]:
    def say() -> None:
        raise UsageError(
            f"`sekisho {verb}` needs parts that are not installed.",
            f"Run `pip install '.[{extra}]'` in the checkout of Sekisho.",
        ) from missing

    return say


def _is_ours(arguments: list[str]) -> bool:
    """Return whether this run needs nothing of the gateway, whose import takes longer than most of our commands."""
    verb = next((each for each in arguments if not each.startswith("-")), "")
    return verb.replace("-", "_") in {function.__name__ for function, _, _ in COMMANDS}


if not _is_ours(sys.argv[1:]):
    _add_gateway()
