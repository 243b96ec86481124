"""API keys: made once, stored as HMACs, looked up from memory, revoked everywhere within a poll."""

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.config.schema import Config
from gateway.db import tables
from gateway.db.engine import open_database
from gateway.errors import ConfigError
from gateway.secret import Secret

log = logging.getLogger("sekisho.keys")

PREFIX = "sk-"
POLL_SECONDS = 0.25
_MISSES_KEPT = 4096
_MISS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """What the gateway knows of a key; never the key itself. Times are UTC microseconds."""

    id: str
    hint: str
    alias: str
    owner: str | None
    team: str | None
    identity: str | None
    """`open-webui`: this key's user headers and tokens are believed."""
    created_at: int
    revoked_at: int | None


class KeyStore:
    """Keys in the database, with all of them in memory by hash."""

    def __init__(self, engine: AsyncEngine, secret: bytes) -> None:
        self._engine = engine
        self._secret = secret
        self._by_hash: dict[bytes, Key] = {}
        self._revision = -1
        self._misses: OrderedDict[bytes, float] = OrderedDict()
        self._poll: asyncio.Task[None] | None = None
        self.healthy = True

    async def start(self) -> None:
        """Load all keys and watch for changes made by other processes."""
        await self.refresh()
        self._poll = asyncio.create_task(self._watch(), name="keys")

    async def stop(self) -> None:
        if self._poll:
            self._poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poll

    async def find(self, presented: str) -> Key | None:
        """The key that was presented, or None where it is unknown or revoked."""
        digest = self._hash(presented)
        key = self._by_hash.get(digest)
        if key is None and self._worth_asking(digest):
            await self.refresh()
            key = self._by_hash.get(digest)
        return key if key and key.revoked_at is None else None

    async def create(
        self, alias: str, *, owner: str | None = None, team: str | None = None, identity: str | None = None
    ) -> tuple[Key, Secret]:
        """Make a key; the secret is given out here and never again. Raises `ConfigError` if the alias is taken."""
        presented = PREFIX + secrets.token_urlsafe(32)
        row = {
            "id": f"key_{secrets.token_hex(8)}",
            "hint": f"{PREFIX}…{presented[-4:]}",
            "alias": alias,
            "owner": owner,
            "team": team,
            "identity": identity,
            "created_at": time.time_ns() // 1000,
            "revoked_at": None,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(tables.keys).values(hash=self._hash(presented), **row))
                await _raise_revision(connection)
        except IntegrityError:
            raise ConfigError(f"a key with the alias '{alias}' exists; choose another, or revoke that one") from None
        await self.refresh()
        return Key(**row), Secret(presented)  # type: ignore[arg-type]

    async def revoke(self, id_or_alias: str) -> Key:
        """Make a key useless from now on. Raises `ConfigError` where there is none."""
        named = (tables.keys.c.id == id_or_alias) | (tables.keys.c.alias == id_or_alias)
        async with self._engine.begin() as connection:
            row = (await connection.execute(select(tables.keys).where(named))).mappings().first()
            if row is None:
                raise ConfigError(f"there is no key '{id_or_alias}'; `sekisho keys list` shows them")
            moment = row["revoked_at"] or time.time_ns() // 1000
            await connection.execute(update(tables.keys).where(named).values(revoked_at=moment))
            await _raise_revision(connection)
        await self.refresh()
        return _key({**row, "revoked_at": moment})

    def all(self) -> list[Key]:
        return sorted(self._by_hash.values(), key=lambda key: key.created_at)

    async def refresh(self) -> None:
        """Read the keys anew if anyone changed them."""
        async with self._engine.connect() as connection:
            revision = (await connection.execute(select(tables.revisions.c.value).filter_by(name="keys"))).scalar_one()
            if revision == self._revision:
                return
            rows = (await connection.execute(select(tables.keys))).mappings().all()
        self._by_hash = {bytes(row["hash"]): _key(row) for row in rows}
        self._revision = revision

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
                self.healthy = True
            except (SQLAlchemyError, OSError) as error:
                if self.healthy:
                    log.error("the key database does not answer, known keys stay valid: %s", type(error).__name__)
                self.healthy = False

    def _hash(self, presented: str) -> bytes:
        return hmac.digest(self._secret, presented.encode(), "sha256")

    def _worth_asking(self, digest: bytes) -> bool:
        """A wrong key asks the database at most once a second, and only so many are remembered."""
        now = time.monotonic()
        if now - self._misses.get(digest, -_MISS_SECONDS) < _MISS_SECONDS:
            return False
        self._misses[digest] = now
        self._misses.move_to_end(digest)
        if len(self._misses) > _MISSES_KEPT:
            self._misses.popitem(last=False)
        return True


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[KeyStore]:
    """A configuration's keys for a command that runs once. Raises `ConfigError`."""
    engine = await open_database(config)
    try:
        store = KeyStore(engine, hash_secret(config))
        await store.refresh()
        yield store
    finally:
        await engine.dispose()


def hash_secret(config: Config) -> bytes:
    """The secret under which keys are hashed: configured, or a file made at first use."""
    if config.key_secret is not None:
        return config.key_secret.reveal().encode()
    return _secret_file(config.data_dir / "key-secret")


def _secret_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_bytes()


async def _raise_revision(connection: AsyncConnection) -> None:
    counter = tables.revisions.c.value
    await connection.execute(update(tables.revisions).filter_by(name="keys").values(value=counter + 1))


def _key(row: Any) -> Key:
    return Key(**{name: row[name] for name in Key.__dataclass_fields__})
