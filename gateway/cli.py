"""The gateway's commands: serve, keys, config."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.config.load import Loaded, load
from gateway.identity.keys import Key, KeyStore, opened

T = TypeVar("T")
ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="SEKISHO_CONFIG", help="The configuration file.", metavar="FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
DEFAULT = Path("sekisho.yaml")

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")
config = typer.Typer(no_args_is_help=True, help="The configuration: check it, explain it.")
console = Console(width=None if sys.stdout.isatty() else 200)
"""A pipe has no width; nothing is cut there."""


def register(app: typer.Typer) -> None:
    """Add the gateway's commands to the `sekisho` command."""
    app.command(epilog="Example: sekisho serve --config sekisho.yaml")(serve)
    app.add_typer(keys, name="keys")
    app.add_typer(config, name="config")


def serve(config: ConfigFile = DEFAULT) -> None:
    """Run the gateway until it is told to stop (SIGTERM, Ctrl-C); running answers end first."""
    from gateway import server

    server.serve(config)


@keys.command(epilog="Example: sekisho keys create --alias alice-laptop --owner alice@example.com --team research")
def create(
    alias: Annotated[str, typer.Option(help="A name to know the key by.")],
    owner: Annotated[str | None, typer.Option(help="Whose it is: an Open WebUI user's e-mail address or id.")] = None,
    team: Annotated[str | None, typer.Option(help="Which team pays.")] = None,
    identity: Annotated[
        Literal["open-webui"] | None, typer.Option(help="open-webui: this key's user headers and tokens are believed.")
    ] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once."""
    key, secret = _with_keys(config, lambda store: store.create(alias, owner=owner, team=team, identity=identity))
    if as_json:
        typer.echo(json.dumps({**asdict(key), "key": secret.reveal()}))
        return
    console.print(f"Key [bold]{key.alias}[/] ({key.id}). It is shown only this once:")
    typer.echo(secret.reveal())


@keys.command("list", epilog="Example: sekisho keys list --json")
def list_keys(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show all keys, never the secrets."""

    async def all_keys(store: KeyStore) -> list[Key]:
        return store.all()

    found = _with_keys(config, all_keys)
    if as_json:
        typer.echo(json.dumps([asdict(key) for key in found]))
        return
    table = Table("alias", "owner", "team", "identity", "key", "created", "state", box=None, header_style="bold")
    for key in found:
        state = f"revoked {_day(key.revoked_at)}" if key.revoked_at else "valid"
        cells = (key.alias, key.owner, key.team, key.identity, key.hint, _day(key.created_at), state)
        table.add_row(*(cell or "–" for cell in cells))
    console.print(table if found else "No keys yet; `sekisho keys create --alias NAME` makes one.")


@keys.command(epilog="Example: sekisho keys revoke alice-laptop")
def revoke(
    key: Annotated[str, typer.Argument(help="Its alias or id.")], config: ConfigFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Make a key useless, at once and in every running gateway."""
    found = _with_keys(config, lambda store: store.revoke(key))
    typer.echo(json.dumps(asdict(found)) if as_json else f"Revoked {found.alias} ({found.id}).")


@config.command(epilog="Example: sekisho config check --config sekisho.yaml")
def check(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say whether the configuration can be used; exit 2 and every problem if not."""
    loaded = load(config)
    models = loaded.config.models
    counts = {"files": len(loaded.document.files), "models": len(models)}
    counts["deployments"] = sum(len(model.deployments) for model in models)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    typer.echo(json.dumps(counts) if as_json else f"{config}: good ({told}).")


@config.command(epilog="Example: sekisho config explain --config sekisho.yaml | grep timeout")
def explain(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show every value and where it comes from: file and line, environment variable, or default."""
    rows = list(_origins(load(config)))
    if as_json:
        typer.echo(json.dumps([dict(zip(("key", "value", "origin"), row, strict=True)) for row in rows]))
        return
    for key, value, origin in rows:
        typer.echo(f"{key} = {value}    # {origin}")


def _origins(loaded: Loaded) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []

    def walk(node: Any, key: tuple[str | int, ...]) -> None:
        if isinstance(node, dict) and node:
            for name, value in node.items():
                walk(value, (*key, name))
        elif isinstance(node, list) and node:
            for index, value in enumerate(node):
                walk(value, (*key, index))
        else:
            place = loaded.document.places.get(key)
            origin = f"{place.file.name}:{place.line}" if place else "default"
            if place and place.variables:
                origin += " from " + ", ".join(f"${{{name}}}" for name in place.variables)
            rows.append((".".join(map(str, key)), json.dumps(node, ensure_ascii=False), origin))

    walk(loaded.config.model_dump(mode="json", by_alias=True), ())
    return rows


def _with_keys(file: Path, use: Callable[[KeyStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(load(file).config) as store:
            return await use(store)

    return asyncio.run(run())


def _day(microseconds: int | None) -> str:
    return f"{datetime.fromtimestamp((microseconds or 0) / 1e6, UTC):%Y-%m-%d %H:%M}"
