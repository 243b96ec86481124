"""Opening the database, at the newest schema."""

from pathlib import Path

from sqlalchemy import event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.config.schema import Config
from gateway.errors import ConfigError

HEAD = "0002"
"""The newest migration; a test compares it with the folder."""


def url(config: Config) -> str:
    """The SQLAlchemy address: the configured one, or SQLite in the data folder."""
    if config.database is not None:
        return config.database.reveal()
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{config.data_dir / 'sekisho.db'}"


async def open_database(config: Config) -> AsyncEngine:
    """Connect and migrate. Raises `ConfigError` where the database cannot be reached."""
    engine = create_async_engine(url(config), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    except OSError as error:
        await engine.dispose()
        raise ConfigError(f"database: cannot be reached ({error}); check 'database:' and that it runs") from error
    return engine


def _migrate(connection: Connection) -> None:
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
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
