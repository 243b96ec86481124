"""Asks the ledger's files as every question does: through `holding` and DuckDB."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway.config.schema import Config
from gateway.ledger.duck import connect, ledger_sql, mount
from gateway.ledger.files import holding
from tests.fixtures.gateway import GatewayProcess

ROOT = Path(__file__).parents[2]


def ask(config: Config, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query over `ledger`."""
    with holding(config) as held:
        connection = connect(config.data_dir / "spill")
        mount(connection, held.store)
        rows = connection.execute(f"WITH ledger AS ({ledger_sql(held)}) {query}").fetchall()
        connection.close()
        return rows


def count(config: Config) -> tuple[int, int]:
    """Rows, and different requests among them."""
    ((rows, requests),) = ask(config, "SELECT count(*), count(DISTINCT request_id) FROM ledger")
    return rows, requests


def configured(folder: Path, **ledger: Any) -> Config:
    """A configuration whose data is in a folder."""
    return Config.model_validate({"data_dir": folder / "data", "ledger": ledger})


def command(file: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """`sekisho ledger ARGUMENTS` in a process of its own."""
    call = [sys.executable, "-m", "gateway", "ledger", *arguments, "--config", str(file)]
    return subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def started(gateway: GatewayProcess) -> GatewayProcess:
    """Start it, however busy the machine is; nothing is left of one that does not."""
    try:
        return gateway.start()
    except TimeoutError:
        try:
            gateway.wait_ready(90)
        except BaseException:
            gateway.stop(signal.SIGKILL)
            raise
        return gateway
