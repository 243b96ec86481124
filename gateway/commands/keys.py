"""`sekisho keys`: create, list, show, change, rotate, revoke."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.table import Table

from gateway.cli_options import takes
from gateway.commands.common import (
    DEFAULT,
    AsJson,
    ConfigFile,
    console,
    moment,
    nano_usd,
    print_json,
    usd,
    with_keys,
)
from gateway.identity import key_admin
from gateway.identity.keys import Key, KeyStore
from gateway.identity.policy import BudgetWindow, TrafficClass
from gateway.secret import Secret

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, show, change, rotate, revoke.")

Named = Annotated[str, typer.Argument(help="Its alias or id.")]
Alias = Annotated[str, typer.Option(help="A name to know the key by.")]
Owner = Annotated[str | None, typer.Option(help="Whose it is: an Open WebUI user's e-mail address or id.")]
Team = Annotated[str | None, typer.Option(help="Which team pays.")]
MOST_GRACE_HOURS = 10**6
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """What a key may do, as options; None = not given."""

    model: Annotated[list[str] | None, typer.Option(help="An allowed model or glob; may be repeated.")] = None
    network: Annotated[list[str] | None, typer.Option(help="An allowed source network; may be repeated.")] = None
    mcp: Annotated[
        list[str] | None, typer.Option(help="An allowed tool server, or 'server/tool'; may be repeated.")
    ] = None
    traffic_class: Annotated[TrafficClass | None, typer.Option("--class", help="How urgent its requests are.")] = None
    requests_per_minute: Annotated[int | None, typer.Option(min=0)] = None
    tokens_per_minute: Annotated[int | None, typer.Option(min=0)] = None
    parallel_requests: Annotated[int | None, typer.Option(min=0, help="Requests at the same time.")] = None
    budget_usd: Annotated[float | None, typer.Option(min=0, help="What it may spend, in USD.")] = None
    budget_per: Annotated[BudgetWindow | None, typer.Option(help="In which time it may spend that.")] = None
    budget_warns: Annotated[
        bool | None, typer.Option("--budget-warns/--budget-refuses", help="What happens over the budget.")
    ] = None
    expires: Annotated[datetime | None, typer.Option(help="Valid until then (UTC).", formats=DATES)] = None

    def values(self) -> dict[str, Any]:
        """Return the given options as fields of a policy."""
        expires = self.expires and round(self.expires.replace(tzinfo=UTC).timestamp() * 1e6)
        given = {
            "models": self.model,
            "networks": self.network,
            "mcp": self.mcp,
            "traffic_class": self.traffic_class,
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "parallel_requests": self.parallel_requests,
            "budget_nano_usd": nano_usd(self.budget_usd),
            "budget_window": self.budget_per,
            "budget_hard": None if self.budget_warns is None else not self.budget_warns,
            "expires_at": expires,
        }
        return {name: value for name, value in given.items() if value is not None}


@app.command(epilog="Example: sekisho keys create --alias alice-laptop --owner alice@example.com --model 'gemma-*'")
@takes(PolicyOptions)
def create(
    policy: PolicyOptions,
    alias: Alias,
    owner: Owner = None,
    team: Team = None,
    identity: Annotated[
        Literal["open-webui"] | None, typer.Option(help="open-webui: this key's user headers and tokens are believed.")
    ] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once."""
    values = {"owner": owner, "team": team, "identity": identity, **policy.values()}
    _show_new(*with_keys(config, lambda store: key_admin.create(store, alias, **values)), as_json)


@app.command(epilog="Example: sekisho keys change alice-laptop --budget-usd 20 --budget-per month")
@takes(PolicyOptions)
def change(
    policy: PolicyOptions,
    key: Named,
    alias: Annotated[str | None, typer.Option(help="A new name.")] = None,
    owner: Owner = None,
    team: Team = None,
    unset: Annotated[list[str] | None, typer.Option(help="A field to clear, such as tokens_per_minute.")] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Change fields of a key; what is not named stays."""
    values = policy.values() | {name: None for name in unset or ()}
    values |= {name: given for name, given in (("alias", alias), ("owner", owner), ("team", team)) if given}
    _show(with_keys(config, lambda store: key_admin.change(store, key, **values)), as_json)


@app.command("list", epilog="Example: sekisho keys list --json")
def list_keys(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show all keys, never the secrets."""

    async def every(store: KeyStore) -> list[Key]:
        return store.all()

    result = with_keys(config, every)
    if as_json:
        print_json(result)
        return
    table = Table("alias", "owner", "team", "identity", "key", "created", "state", box=None, header_style="bold")
    for key in result:
        cells = (key.alias, key.owner, key.team, key.identity, key.hint, moment(key.created_at), _state(key))
        table.add_row(*(cell or "–" for cell in cells))
    console.print(table if result else "No keys yet; `sekisho keys create --alias NAME` makes one.")


@app.command(epilog="Example: sekisho keys show alice-laptop")
def show(key: Named, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show everything about one key but the secret."""
    _show(with_keys(config, lambda store: key_admin.get(store, key)), as_json)


@app.command(epilog="Example: sekisho keys rotate alice-laptop --grace-hours 2")
def rotate(
    key: Named,
    grace_hours: Annotated[float, typer.Option(min=0, help="How long the old secret works on.")] = 24,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, shown once."""
    seconds = round(grace_hours * 3600) if grace_hours < MOST_GRACE_HOURS else -1
    _show_new(*with_keys(config, lambda store: key_admin.rotate(store, key, seconds)), as_json)


@app.command(epilog="Example: sekisho keys revoke alice-laptop")
def revoke(key: Named, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Make a key useless, at once and in every running gateway."""
    result = with_keys(config, lambda store: key_admin.revoke(store, key))
    if as_json:
        print_json(result)
    else:
        typer.echo(f"Revoked {result.alias} ({result.id}).")


def _show_new(key: Key, secret: Secret, as_json: bool) -> None:
    if as_json:
        print_json({**msgspec.to_builtins(key), "key": secret.reveal()})
        return
    console.print(f"Key [bold]{key.alias}[/] ({key.id}). It is shown only this once:")
    typer.echo(secret.reveal())


def _show(key: Key, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    policy = key.policy
    budget = f"{usd(policy.budget_nano_usd)} a {policy.budget_window}" if policy.budget_nano_usd is not None else None
    rows = {
        "alias": f"{key.alias} ({key.id}, {key.hint})",
        "state": _state(key),
        "owner": key.owner,
        "team": key.team,
        "identity": key.identity,
        "models": ", ".join(policy.models) if policy.models else "all",
        "networks": ", ".join(policy.networks) if policy.networks else "all",
        "tool servers": ", ".join(policy.mcp) if policy.mcp else "none" if policy.mcp == () else "all that are open",
        "class": policy.traffic_class,
        "requests a minute": policy.requests_per_minute,
        "tokens a minute": policy.tokens_per_minute,
        "at the same time": policy.parallel_requests,
        "budget": budget and budget + ("" if policy.budget_hard else " (warns only)"),
        "expires": moment(policy.expires_at) if policy.expires_at else None,
    }
    table = Table(box=None, show_header=False)
    for name, value in rows.items():
        table.add_row(name, "–" if value is None else str(value))
    console.print(table)


def _state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {moment(key.revoked_at)}"
    expires = key.policy.expires_at
    if expires and expires < datetime.now(UTC).timestamp() * 1e6:
        return f"expired {moment(expires)}"
    return "valid"
