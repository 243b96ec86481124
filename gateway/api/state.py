"""`GET /admin/configuration` and `GET /admin/ledger`: where each value comes from, findings, and the ledger's state."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.config.load import Loaded
from gateway.config.origins import origins
from gateway.identity.keys import KeyStore
from gateway.ledger.status import status_of
from gateway.routing.checks import endings_of, unpriced
from gateway.runtime import Runtime


class Value(msgspec.Struct):
    """A value of the configuration: its dotted name, JSON, and its origin (file and line, variable, or default)."""

    key: str
    value: str
    origin: str


class Configuration(msgspec.Struct):
    """The configuration that is used now; secrets are hidden."""

    files: list[str]
    findings: list[str]
    """What an administrator should look at."""
    values: list[Value]


class LedgerState(msgspec.Struct):
    """Records of this machine that came in, are in Parquet, and wait."""

    records_in: int
    records_out: int
    waiting: int
    waiting_bytes: int
    lag_seconds: float | None
    damaged: int
    shipped_at: float | None
    """Unix seconds."""
    problem: str | None
    agrees: bool
    """False: records came in that are neither in Parquet nor waiting."""


async def admin_configuration(_: KeyStore, request: Request) -> Any:
    """Return every value with its origin, and what is to be looked at."""
    runtime: Runtime = request.app.state.runtime
    return await asyncio.to_thread(_configuration, runtime)


def _configuration(runtime: Runtime) -> Configuration:
    loaded, routes = Loaded(runtime.current.config, runtime.document), runtime.current.routes
    endings = [each.words for each in endings_of(loaded, routes) if each.level]
    findings = [*runtime.warnings(), *endings, *unpriced(loaded, routes)]
    values = [Value(*row) for row in origins(loaded)]
    return Configuration([path.name for path in loaded.document.files], findings, values)


async def admin_ledger(_: KeyStore, request: Request) -> Any:
    """Return the state of this machine's ledger."""
    runtime: Runtime = request.app.state.runtime
    status = await asyncio.to_thread(status_of, runtime.current.config)
    return LedgerState(**{name: getattr(status, name) for name in LedgerState.__struct_fields__})
