"""Opening the database, at the newest schema."""

from pathlib import Path

from sqlalchemy import event, inspect, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.config.schema import Config
from gateway.errors import ConfigError

HEAD = "0002"
"""The newest migration; a test compares it with the folder."""


_LAST_PORT = 65535
_ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(5346273051)"}
"""Workers and machines that start together migrate one after the other."""


def url(config: Config) -> str:
    """The SQLAlchemy address: the configured one, or SQLite in the data folder."""
    if config.database is not None:
        return config.database.reveal()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{config.data_dir / 'sekisho.db'}"


async def open_database(config: Config) -> AsyncEngine:
    """Connect and migrate. Raises `ConfigError` where the database cannot be reached."""
    engine = _engine(url(config))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    except (OSError, SQLAlchemyError) as error:
        await engine.dispose()
        raise ConfigError(
            f"database: cannot be used ({_reason(error)}); check 'database:', its user and rights, and that it runs"
        ) from None
    return engine


def check_address(address: str) -> None:
    """Raise `ConfigError` for an address that is none, or of a database or driver that is not served."""
    try:
        made = make_url(address)
        served = made.get_backend_name() in _ALONE and made.get_dialect().is_async and (made.port or 0) <= _LAST_PORT
    except (ArgumentError, ValueError, NoSuchModuleError, ModuleNotFoundError):
        served = False
    if not served:
        raise ConfigError("database: not an address; write postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE")


def _engine(address: str) -> AsyncEngine:
    check_address(address)
    try:
        return create_async_engine(address, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError):
        raise ConfigError("database: its driver is not installed; install sekisho[gateway]") from None


def _reason(error: Exception) -> str:
    """The driver's own words, without the statement."""
    return str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]


def _migrate(connection: Connection) -> None:
    if _revision(connection) == HEAD:
        return
    connection.exec_driver_sql(_ALONE[connection.dialect.name])
    if _revision(connection) == HEAD:
        return
    from alembic import command
    from alembic.config import Config as AlembicConfig

    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _tune_sqlite(connection: object, _: object) -> None:
    """WAL lets the command line write while the gateway reads."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # DB-API's connection has no common type
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()
