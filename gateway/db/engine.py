"""Open the database at the newest schema."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import event, inspect, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.tls import tls_context

P = ParamSpec("P")
T = TypeVar("T")

HEAD = "0005"
"""The newest migration; a test compares it with the folder."""


ANSWER_SECONDS = 5.0
"""Timeout in seconds of a connection, of a statement, and of a wait for the pool."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_TLS_NAMES = ("ssl", "sslmode")
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LAST_PORT = 65535
_MIGRATION_LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(5346273051)"}
"""SQL by backend that takes a lock, so that workers and machines migrate one after the other."""


def url(config: Config) -> str:
    """Return the SQLAlchemy URL: the configured one, or SQLite in the data folder."""
    if config.database is not None:
        return config.database.reveal()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{config.data_dir / 'sekisho.db'}"


async def open_database(config: Config) -> AsyncEngine:
    """Connect and migrate. Raises `ConfigError` where the database cannot be reached."""
    engine = _engine(url(config), config.server.custom_ca)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    except (OSError, SQLAlchemyError) as error:
        await closed(engine)
        raise ConfigError(
            f"database: cannot be used ({_reason(error)}); check 'database:', its user and rights, and that it runs"
        ) from None
    except ConfigError:
        await closed(engine)
        raise
    return engine


def bounded(change: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Bound a coroutine function by `ANSWER_SECONDS`; where that is over it goes on in the background.

    A connection that hangs cannot be cancelled at once: giving it back is a question to the database, too. Raises
    `TimeoutError`; what was asked for may still be done.
    """

    @wraps(change)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(change(*args, **kwargs))
        task.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await asyncio.shield(task)

    return answered


async def closed(engine: AsyncEngine) -> None:
    """Close the connections; give up after `ANSWER_SECONDS`."""
    with contextlib.suppress(TimeoutError, OSError, SQLAlchemyError):
        async with asyncio.timeout(ANSWER_SECONDS):
            await engine.dispose()


def check_address(address: str) -> None:
    """Raise `ConfigError` for an invalid address, or an unsupported database or driver."""
    try:
        parsed = make_url(address)
        served = (
            parsed.get_backend_name() in _MIGRATION_LOCKS
            and parsed.get_dialect().is_async
            and (parsed.port or 0) <= _LAST_PORT
        )
        _tls_mode(parsed)
    except (ArgumentError, ValueError, NoSuchModuleError, ModuleNotFoundError):
        served = False
    if not served:
        raise ConfigError("database: not an address; write postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE")


def _engine(address: str, custom_ca: Path | None) -> AsyncEngine:
    check_address(address)
    parsed, options = make_url(address), {}
    if parsed.get_backend_name() == "postgresql":
        options = {"connect_args": _arguments(parsed, custom_ca), "pool_timeout": ANSWER_SECONDS}
        parsed = parsed.difference_update_query(_TLS_NAMES)
    try:
        return create_async_engine(parsed, pool_pre_ping=True, **options)
    except (ArgumentError, ModuleNotFoundError):
        raise ConfigError(
            "database: its driver is not installed; run `pip install '.[gateway]'` in the checkout of Sekisho"
        ) from None


def _arguments(address: URL, custom_ca: Path | None) -> dict[str, Any]:
    """Return connect arguments for asyncpg: timeouts and TLS.

    `require` encrypts, and with an authority of the company's it verifies that one, as libpq does.
    """
    arguments: dict[str, Any] = {"timeout": ANSWER_SECONDS, "command_timeout": ANSWER_SECONDS}
    mode = _tls_mode(address)
    if mode.startswith("verify") or (mode == "require" and custom_ca is not None):
        context = tls_context(custom_ca)
        context.check_hostname = mode == "verify-full"
        return {**arguments, "ssl": context}
    return {**arguments, "ssl": mode} if mode else arguments


def _tls_mode(address: URL) -> str:
    """Return the value of `ssl` (or `sslmode`, as libpq calls it) in an address; "" without one."""
    given = {str(address.query[name]).lower() for name in _TLS_NAMES if name in address.query}
    modes = {{"true": "require", "false": "disable"}.get(each, each) for each in given}
    if not modes:
        return ""
    if len(modes) > 1 or not modes <= set(_TLS_MODES):
        raise ConfigError(f"database: ssl must be one of {', '.join(_TLS_MODES)}")
    return modes.pop()


def _reason(error: Exception) -> str:
    """Return the driver's message, without the statement."""
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return words.splitlines()[0] if words else f"it does not answer within {ANSWER_SECONDS:g} s"


def _known() -> set[str]:
    return {path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")}


def _migrate(connection: Connection) -> None:
    revision = _revision(connection)
    if revision == HEAD:
        return
    if revision is not None and revision not in _known():
        raise ConfigError(
            f"database: its schema ({revision}) is newer than this program's ({HEAD}); update sekisho on this machine"
        )
    connection.exec_driver_sql(_MIGRATION_LOCKS[connection.dialect.name])
    if _revision(connection) == HEAD:
        return
    from alembic import command
    from alembic.config import Config as AlembicConfig

    settings = AlembicConfig()
    settings.set_main_option("script_location", str(_MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _tune_sqlite(connection: object, _: object) -> None:
    """Set WAL mode, so that the command line can write while the gateway reads."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # DB-API's connection has no common type
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()
