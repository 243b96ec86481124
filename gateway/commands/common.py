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

from gateway.db.once import run_once
from gateway.errors import ConfigError
from gateway.identity.keys import KeyStore, opened
from gateway.preflight import load

T = TypeVar("T")

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="SEKISHO_CONFIG", help="The configuration file.", metavar="FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
MOST_USD = 10**9
DEFAULT = Path("sekisho.yaml")

console = Console(width=None if sys.stdout.isatty() else 200)
"""A pipe has no width; nothing is cut there."""


def with_keys(file: Path, use: Callable[[KeyStore], Awaitable[T]]) -> T:
    """Run something on a configuration's keys. Raises `ConfigError`."""

    async def run() -> T:
        async with opened(load(file).config) as store:
            return await use(store)

    return run_once(run())


def print_json(content: Any) -> None:
    typer.echo(json.dumps(msgspec.to_builtins(content), ensure_ascii=False))


def moment(microseconds: int | None) -> str:
    """A UTC time for people."""
    return f"{datetime.fromtimestamp((microseconds or 0) / 1e6, UTC):%Y-%m-%d %H:%M}"


def usd(nano: int | None) -> str:
    """An amount for people, without trailing zeros."""
    return "–" if nano is None else f"{(Decimal(nano) / 10**9).normalize():f} USD"


def nano_usd(amount: float | None) -> int | None:
    """What a person typed in USD, as nano-USD. Raises `ConfigError` for what is no amount."""
    if amount is None:
        return None
    if not 0 <= amount <= MOST_USD:
        raise ConfigError(f"usd: must be an amount from 0 to {MOST_USD:,}")
    return round(Decimal(str(amount)) * 10**9)
