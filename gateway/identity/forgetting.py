"""Remove a person from the database of keys and budgets; `persons` are ids and addresses in lower case."""

import asyncio
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.casing import lower
from gateway.config.schema import Config
from gateway.db import tables
from gateway.db.expiring import ExpiringStore
from gateway.db.once import run_once
from gateway.identity.key_admin import raise_revision
from gateway.identity.keys import KeyStore, hash_secret, opened
from gateway.identity.person import at_tool_servers, reader

_TRIES = 20
_PAUSE_SECONDS = 0.25


def forget_in_keys(config: Config, persons: Collection[str]) -> tuple[int, int]:
    """Remove the persons from keys and budgets; return the number of keys and of budgets that changed.

    Their own keys are revoked, for without an owner they would be outside every budget. Keys that speak for others
    go on working. Raises `ConfigError` where the database cannot be used.
    """
    return run_once(_forget(config, persons)) if _exists(config) else (0, 0)


def named_in_keys(config: Config, persons: Collection[str]) -> int:
    """Return how many keys and budgets still name one of the persons. Raises `ConfigError`."""
    return run_once(_named(config, persons)) if _exists(config) else 0


def _exists(config: Config) -> bool:
    return config.database is not None or (config.data_dir / "sekisho.db").exists()


async def _forget(config: Config, persons: Collection[str]) -> tuple[int, int]:
    async with opened(config) as store:
        async with store.audit.changing(store.engine) as change:
            connection = change.connection
            rows = (await connection.execute(select(tables.keys))).mappings().all()
            scopes = (await connection.execute(select(tables.budgets.c.scope))).scalars().all()
            changes = {row["id"]: values for row in rows if (values := _changes(row, persons))}
            for key_id, values in changes.items():
                await connection.execute(update(tables.keys).where(tables.keys.c.id == key_id).values(**values))
            theirs = [scope for scope in scopes if _is_theirs(scope, persons)]
            await connection.execute(delete(tables.budgets).where(tables.budgets.c.scope.in_(theirs)))
            if changes or theirs:
                await raise_revision(connection)
                # The person is not named, not even here; `forget_in_audit` tells which rows named them.
                await change.note("person.forgotten", {"keys": len(changes), "budgets": len(theirs)})
        signed_in = await _sign_out(store.engine, config, persons)
        if changes or theirs or signed_in:
            await _wipe(store.engine)
        return len(changes), len(theirs)


async def _sign_out(engine: AsyncEngine, config: Config, persons: Collection[str]) -> int:
    """End sessions, links, sign-ins and tokens of the persons, and forget what they were told; return how many."""
    expiring = ExpiringStore(engine, hash_secret(config))
    subjects = [subject for person in persons for subject in (person, reader(person), at_tool_servers(person))]
    return sum([await expiring.delete_of(None, subject) for subject in subjects])


async def _named(config: Config, persons: Collection[str]) -> int:
    async with opened(config) as store:
        return await _count(store, persons)


async def _count(store: KeyStore, persons: Collection[str]) -> int:
    async with store.engine.connect() as connection:
        rows = (await connection.execute(select(tables.keys))).mappings().all()
        scopes = (await connection.execute(select(tables.budgets.c.scope))).scalars().all()
    return sum(bool(_changes(row, persons)) for row in rows) + sum(_is_theirs(scope, persons) for scope in scopes)


def _changes(row: Any, persons: Collection[str]) -> dict[str, Any]:
    """Return the new values of a key's row; empty if it does not name a person."""
    values: dict[str, Any] = {}
    own = lower(row["owner"] or "") in persons
    if own:
        values["owner"] = None
    if own and row["identity"] is None:
        values |= {"revoked_at": row["revoked_at"] or time.time_ns() // 1000}
        values |= {"previous_hash": None, "previous_until": None}
    if (own and row["identity"] is None) or _mentions(row["alias"], persons):
        values["alias"] = f"forgotten-{row['id']}"
    if _mentions(row["team"], persons):
        values["team"] = None
    return values


def _mentions(name: str | None, persons: Collection[str]) -> bool:
    """Return whether a name is a person's id or address, or has their address in it."""
    lowered = lower(name or "")
    return lowered in persons or any("@" in person and person in lowered for person in persons)


def _is_theirs(scope: str, persons: Collection[str]) -> bool:
    kind, _, name = scope.partition(":")
    return kind == "person" and lower(name) in persons


async def _wipe(engine: AsyncEngine) -> None:
    """Rewrite SQLite's log and free pages, which keep what was deleted."""
    if engine.dialect.name != "sqlite":
        return
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        for left in reversed(range(_TRIES)):
            try:
                await connection.execute(text("VACUUM"))
                busy = (await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))).scalar()
            except OperationalError:
                busy = 1
            if not busy or not left:
                return
            await asyncio.sleep(_PAUSE_SECONDS)
