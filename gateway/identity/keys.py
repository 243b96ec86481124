"""API keys at request time: looked up in memory, revoked everywhere within a poll."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

from cachetools import LRUCache, TTLCache
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.audit.log import AuditLog
from gateway.config.schema import Config
from gateway.db import tables
from gateway.db.engine import closed, open_database
from gateway.errors import ConfigError, Overloaded
from gateway.files import create_once
from gateway.identity.hashing import keyed_hash
from gateway.identity.policy import Policy
from gateway.identity.scopes import normal

log = logging.getLogger("sekisho.keys")

POLL_SECONDS = 0.25
ANSWER_SECONDS = 3.0
"""Timeout of the database in seconds; known keys do not wait for it."""
_ASK_ANYWAY_SECONDS = 2.0
"""Seconds after which the database is queried even if its files look unchanged, as file times are coarse."""
_LONGEST_KEY = 256
_MISSES_KEPT = 4096
_DERIVED_KEPT = 10_000
_MISS_SECONDS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """An API key without its secret. Times are UTC microseconds.

    Equal only to itself: a changed key is another object, and what follows from the old one is not found by it.
    """

    id: str
    hint: str
    alias: str
    owner: str | None
    team: str | None
    identity: str | None
    """`open-webui`: this key's user headers and tokens are believed."""
    created_at: int
    revoked_at: int | None
    policy: Policy
    purpose: str | None = None
    made_by: Literal["person"] | None = None
    """`person`: the owner made it; None: an administrator."""

    def valid_at(self, now: int) -> bool:
        expires = self.policy.expires_at
        return self.revoked_at is None and (expires is None or now < expires)

    @property
    def valid_now(self) -> bool:
        return self.valid_at(time.time_ns() // 1000)


@dataclass(frozen=True, slots=True)
class Budget:
    """A person's or team's budget; `scope` as in `gateway.limits`."""

    scope: str
    nano_usd: int
    window: str
    hard: bool


class KeyStore:
    """Keys and budgets, all in memory; another process's changes are seen within `POLL_SECONDS`."""

    def __init__(self, engine: AsyncEngine, secret: bytes, audit: AuditLog) -> None:
        self.engine = engine
        self.audit = audit
        """Where each change of keys and budgets is recorded."""
        self._secret = secret
        self._by_hash: dict[bytes, Key] = {}
        self._grace: dict[bytes, int] = {}
        self.budgets: dict[str, Budget] = {}
        """By scope, as requests are counted by it."""
        self.derived: LRUCache[tuple[Any, ...], Any] = LRUCache(_DERIVED_KEPT)
        """What follows from keys and budgets, by what it is of; dropped when either changes."""
        self.making = asyncio.Lock()
        """Held while a person's keys are counted and one more is made."""
        self._asking: dict[bytes, asyncio.Task[None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._revision = -1
        self._misses: TTLCache[bytes, None] = TTLCache(_MISSES_KEPT, _MISS_SECONDS, timer=time.monotonic)
        self._poll: asyncio.Task[None] | None = None
        self.healthy = True

    async def start(self) -> None:
        """Load everything and watch for changes made by other processes."""
        await self.refresh()
        self._poll = asyncio.create_task(self._watch(), name="keys")

    async def stop(self) -> None:
        if self._poll:
            self._poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poll

    async def find(self, presented: str) -> Key | None:
        """Return the valid key of a secret, or None: unknown, revoked, expired or rotated. Raises `Overloaded`."""
        if len(presented) > _LONGEST_KEY:
            return None
        digest = self.hash(presented)
        key = self._by_hash.get(digest)
        if key is None:
            key = await self._asked(digest)
        now = time.time_ns() // 1000
        if key is None or not key.valid_at(now) or self._grace.get(digest, now) < now:
            return None
        return key

    def ended(self, presented: str) -> Key | None:
        """Return the key of a secret that was valid once: expired, revoked, or rotated since."""
        return self._by_hash.get(self.hash(presented)) if len(presented) <= _LONGEST_KEY else None

    async def _asked(self, digest: bytes) -> Key | None:
        """Query the database for an unknown key; concurrent requests with it wait for the same query."""
        asking = self._asking.get(digest)
        if asking is None and self._worth_asking(digest):
            asking = self._asking[digest] = asyncio.create_task(self._refreshed(), name="unknown key")
            asking.add_done_callback(partial(self._asked_for, digest))
        if asking is not None:
            await asyncio.shield(asking)
        return self._by_hash.get(digest)

    def _asked_for(self, digest: bytes, asking: asyncio.Task[None]) -> None:
        del self._asking[digest]
        _looked_at(asking)

    async def _refreshed(self) -> None:
        """Refresh for an unknown key, which may be new. Raises `Overloaded` if the database cannot be read."""
        try:
            if not self.healthy:
                raise TimeoutError
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            self._misses.clear()
            raise Overloaded(
                "The database of keys does not answer, and this key is not among the known ones. Try again in a few "
                "seconds, or tell an administrator.",
                code="keys_unavailable",
                retry_after=2,
            ) from error

    def hash(self, presented: str) -> bytes:
        return keyed_hash(self._secret, presented)

    def all(self) -> list[Key]:
        """Return every key once, oldest first."""
        return sorted({key.id: key for key in self._by_hash.values()}.values(), key=lambda key: key.created_at)

    def by_id(self, id_: str) -> Key | None:
        """Return a key by its id, valid or not."""
        return next((key for key in self._by_hash.values() if key.id == id_), None)

    def budget(self, scope: str) -> Budget | None:
        """Return the budget of a scope: its own, or the default of its kind."""
        kind, _, _ = scope.partition(":")
        return self.budgets.get(normal(scope)) or self.budgets.get(f"{kind}:*")

    async def refresh(self) -> None:
        """Read keys and budgets again if they changed; includes everything that was committed before the call.

        Raises `SQLAlchemyError`, `OSError`; `TimeoutError` where the database takes longer than `ANSWER_SECONDS`.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            before = self._reading
            if before is not None:
                await asyncio.wait({before})
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(), name="reading keys")
                self._reading.add_done_callback(self._have_read)
            # One reading for all who wait; it goes on where we give up, for a connection that hangs ends by itself.
            await asyncio.shield(self._reading)

    def _have_read(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        _looked_at(reading)

    async def _read(self) -> None:
        async with self.engine.connect() as connection:
            revision = (await connection.execute(select(tables.revisions.c.value).filter_by(name="keys"))).scalar_one()
            if revision == self._revision:
                return
            rows = (await connection.execute(select(tables.keys))).mappings().all()
            budgets = (await connection.execute(select(tables.budgets))).mappings().all()
        self._by_hash = {bytes(row["hash"]): to_key(row) for row in rows}
        rotated = [row for row in rows if row["previous_hash"]]
        self._by_hash |= {bytes(row["previous_hash"]): to_key(row) for row in rotated}
        self._grace = {bytes(row["previous_hash"]): row["previous_until"] for row in rotated}
        self.budgets = {normal(row["scope"]): Budget(**row) for row in budgets}
        self._revision = revision
        self.derived.clear()

    async def _watch(self) -> None:
        files = _files_of(self.engine)
        marks, asked_at = None, 0.0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            current = await asyncio.to_thread(_marks, files)
            if files and current == marks and time.monotonic() - asked_at < _ASK_ANYWAY_SECONDS:
                continue
            marks, asked_at = current, time.monotonic()
            try:
                await self.refresh()
            except Exception as error:
                # Whatever it is, the next look may go well; who stopped looking would never know of a revoked key.
                if self.healthy:
                    log.error("the key database does not answer, known keys stay valid: %s", type(error).__name__)
                self.healthy = False
            else:
                if not self.healthy:
                    log.warning("the key database answers again")
                self.healthy = True

    def _worth_asking(self, digest: bytes) -> bool:
        """Return whether to query the database for an unknown key: the same one once a second."""
        if digest in self._misses:
            return False
        self._misses[digest] = None
        return True


def _looked_at(task: asyncio.Task[None]) -> None:
    """Retrieve the exception of a task that nobody may be waiting for."""
    if not task.cancelled():
        task.exception()


def _files_of(engine: AsyncEngine) -> tuple[Path, ...]:
    """Return SQLite's files, whose times cost a hundredth of a query; none where the database is a server."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return ()
    return Path(engine.url.database), Path(f"{engine.url.database}-wal")


def _marks(files: tuple[Path, ...]) -> list[tuple[int, int]]:
    """Return file times and sizes, which change when another process writes to the database."""
    stats = []
    for file in files:
        with contextlib.suppress(OSError):
            stat = file.stat()
            stats.append((stat.st_mtime_ns, stat.st_size))
    return stats


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[KeyStore]:
    """Open the keys of a configuration for a command. Raises `ConfigError`."""
    engine = await open_database(config)
    try:
        store = KeyStore(engine, hash_secret(config), audit_of(config))
        await store.refresh()
        yield store
    except TimeoutError as error:
        raise ConfigError("database: does not answer; check that it runs and can be reached, and try again") from error
    finally:
        await closed(engine)


def hash_secret(config: Config) -> bytes:
    """Return the secret that keys are hashed with: configured, or from a file that is created at first use."""
    if config.key_secret is not None:
        return config.key_secret.reveal().encode()
    return create_once(config.data_dir / "key-secret", secrets.token_hex(32).encode())


def audit_of(config: Config) -> AuditLog:
    """Return the audit of this machine, sealed with what follows from the secret of the keys."""
    return AuditLog(config.data_dir, hash_secret(config))


def to_key(row: Mapping[Any, Any]) -> Key:
    """Return a row of the table as a key."""
    limits = {field.name: row[field.name] for field in fields(Policy)}
    lists = {name: tuple(limits[name]) for name in ("models", "networks", "mcp") if limits[name] is not None}
    named = {field.name: row[field.name] for field in fields(Key) if field.name != "policy"}
    return Key(**named, policy=Policy(**{**limits, **lists}))
