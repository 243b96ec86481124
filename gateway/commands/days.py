"""What the commands about usage share: the days a question is about, and how wrong use ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from gateway.errors import ConfigError, InvalidRequest

From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day; this month's first by default.")]
To = Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included; this month's last by default.")]
Zone = Annotated[str, typer.Option("--timezone", envvar="SEKISHO_TIMEZONE", help="Whose days, e.g. Asia/Tokyo.")]


@contextmanager
def wrong_use() -> Iterator[None]:
    """Turn an `InvalidRequest` raised inside a command into exit code 2."""
    try:
        yield
    except InvalidRequest as error:
        raise ConfigError(str(error)) from error
