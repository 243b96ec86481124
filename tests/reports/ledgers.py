"""A ledger with known records, and the command line over it."""

import json
from collections.abc import Iterable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.commands import register
from gateway.config.schema import Config
from gateway.errors import SekishoError
from gateway.ledger.record import Record
from gateway.preflight import load
from tests.bench.month import write_segments


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


class Ledger:
    """A folder with a configuration, without a gateway."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.file = folder / "sekisho.yaml"
        with self.file.open("w") as file:
            YAML().dump({"data_dir": "data", **config}, file)

    @property
    def config(self) -> Config:
        return load(self.file).config

    def write(self, records: Iterable[Record]) -> None:
        """As closed segments, one a day."""
        write_segments(self.data_dir, records, segment_seconds=86400)

    def ship(self) -> None:
        self.run("ledger", "ship")

    def call(self, *arguments: str, stdin: str | None = None) -> Done:
        """`sekisho ARGUMENTS --config FILE` in this process and the ledger's folder, whatever comes of it."""
        app = typer.Typer()
        register(app)
        with chdir(self.folder):
            done = CliRunner().invoke(app, [*arguments, "--config", str(self.file)], input=stdin)
        if isinstance(done.exception, SekishoError):
            return Done(done.exception.exit_code, done.stdout, f"{done.stderr}error: {done.exception}")
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    def run(self, *arguments: str) -> str:
        """What it printed; it must go well."""
        done = self.call(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))
