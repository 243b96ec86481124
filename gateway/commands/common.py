"""What the commands share: options, output, opening the keys."""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console

from gateway.config.load import Loaded
from gateway.db.once import run_once
from gateway.errors import ConfigError
from gateway.identity.keys import KeyStore, opened
from gateway.preflight import load as load_with
from gateway.project import find, for_config

T = TypeVar("T")

DEFAULT = Path("sekisho.yaml")


def _chosen(context: typer.Context, parameter: typer.CallbackParam, value: Path) -> Path:
    """Return the file that was named, else the one that is here, else that of the stack that runs here."""
    source = context.get_parameter_source(parameter.name or "")
    project = find() if source is not None and source.name == "DEFAULT" and not value.exists() else None
    return project.config if project else value


def _config(**more: Any) -> Any:
    return typer.Option(
        "--config", "-c", envvar="SEKISHO_CONFIG", help="The configuration file.", metavar="FILE", **more
    )


ServedConfigFile = Annotated[Path, _config()]
"""A gateway is started with nothing but what was named."""
ConfigFile = Annotated[Path, _config(callback=_chosen)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
MOST_USD = 10**9

console = Console(width=None if sys.stdout.isatty() else 200)
"""A pipe has no width; nothing is cut there."""


def load(file: Path) -> Loaded:
    """Load a configuration; the variables of the stack that runs here are known. Raises `ConfigError`."""
    return load_with(file, for_config(file))


def with_keys(file: Path, use: Callable[[KeyStore], Awaitable[T]]) -> T:
    """Run something on a configuration's keys. Raises `ConfigError`."""

    async def run() -> T:
        async with opened(load(file).config) as store:
            return await use(store)

    return run_once(run())


def print_json(content: Any) -> None:
    typer.echo(json.dumps(msgspec.to_builtins(content), ensure_ascii=False))


def moment(microseconds: int | None) -> str:
    """Return a UTC time for people."""
    return f"{datetime.fromtimestamp((microseconds or 0) / 1e6, UTC):%Y-%m-%d %H:%M}"


def usd(nano: int | None) -> str:
    """Return an amount for people, without trailing zeros."""
    return "–" if nano is None else f"{(Decimal(nano) / 10**9).normalize():f} USD"


def nano_usd(amount: float | None) -> int | None:
    """Return a typed amount of USD as nano-USD. Raises `ConfigError` for what is no amount."""
    if amount is None:
        return None
    if not 0 <= amount <= MOST_USD:
        raise ConfigError(f"usd: must be an amount from 0 to {MOST_USD:,}")
    return round(Decimal(str(amount)) * 10**9)
