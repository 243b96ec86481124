"""What lives for a while and can be revoked: sessions, one-time links, device codes, tokens of tool servers.

Nothing readable is stored: ids and subjects are keyed hashes, contents are encrypted (AES-256-GCM) under a key that
is derived from the secret of keys, so that all processes and machines with that secret share them.
"""

import hmac
import secrets
import time
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.db.engine import bounded
from gateway.db.tables import expiring
from gateway.errors import Overloaded, TooLarge

MOST_OF_A_SUBJECT = 50
"""Entries of one kind that a subject has at a time; the oldest ones go."""
LARGEST_BYTES = 64 * 1024
_ID_BYTES = 32
_NONCE = 12
_SWEEP_MICROSECONDS = 60 * 10**6


class Entry(msgspec.Struct, frozen=True):
    """One entry. Times are UTC microseconds; `handle` names it in lists and gives no right to it."""

    content: bytes
    created_at: int
    expires_at: int
    handle: str


class ExpiringStore:
    """Entries by kind and id, in the database."""

    def __init__(self, engine: AsyncEngine, secret: bytes) -> None:
        self._engine = engine
        keys = HKDF(hashes.SHA256(), 64, salt=None, info=b"sekisho expiring").derive(secret)
        self._hashing, self._cipher = keys[:32], AESGCM(keys[32:])
        self._swept_at = 0

    @bounded
    async def put(
        self,
        kind: str,
        subject: str,
        content: bytes,
        seconds: float,
        *,
        id_: str | None = None,
        most: int = MOST_OF_A_SUBJECT,
        evict: bool = True,
    ) -> str | None:
        """Store an entry and return its id: 256 random bits, or the one given. None where that one is taken.

        Over `most` of a kind and subject the oldest go, or the new one is refused (`evict=False`, for subjects that
        anybody may fill). Raises `Overloaded` then, and `TooLarge` over 64 KiB.
        """
        if len(content) > LARGEST_BYTES:
            raise TooLarge(f"More than {LARGEST_BYTES:,} bytes are not kept.")
        made = id_ or secrets.token_urlsafe(_ID_BYTES)
        now, hashed = _now(), self._hash(f"{kind}:{made}")
        row = {
            "id_hash": hashed,
            "kind": kind,
            "subject": self._hash(f"subject:{subject}"),
            "content": self._sealed(content, kind, hashed),
            "created_at": now,
            "expires_at": now + round(seconds * 1e6),
        }
        try:
            await self._sweep(now)
            async with self._engine.begin() as connection:
                ended = (expiring.c.id_hash == hashed) & (expiring.c.expires_at <= now)
                await connection.execute(delete(expiring).where(ended))
                await self._make_room(connection, row, most, evict)
                await connection.execute(insert(expiring).values(**row))
        except IntegrityError:
            return None
        return made

    @bounded
    async def get(self, kind: str, id_: str) -> Entry | None:
        """Return an entry; None where there is none, or no longer."""
        async with self._engine.connect() as connection:
            return self._entry(
                (await connection.execute(select(expiring).where(self._is(kind, id_)))).mappings().first()
            )

    @bounded
    async def take(self, kind: str, id_: str) -> Entry | None:
        """Delete an entry and return it: of all that ask at the same time, one gets it."""
        async with self._engine.begin() as connection:
            taking = delete(expiring).where(self._is(kind, id_)).returning(*expiring.c)
            return self._entry((await connection.execute(taking)).mappings().first())

    @bounded
    async def change(self, kind: str, id_: str, content: bytes, seconds: float | None = None) -> bool:
        """Replace an entry's content, and its end where `seconds` are given; return whether there is one."""
        values: dict[str, Any] = {"content": self._sealed(content, kind, self._hash(f"{kind}:{id_}"))}
        if seconds is not None:
            values["expires_at"] = _now() + round(seconds * 1e6)
        async with self._engine.begin() as connection:
            done = await connection.execute(update(expiring).where(self._is(kind, id_)).values(**values))
        return done.rowcount > 0

    @bounded
    async def delete(self, kind: str, id_: str) -> bool:
        """Delete an entry; return whether there was one."""
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(expiring).where(self._is(kind, id_)))).rowcount > 0

    @bounded
    async def delete_of(self, kind: str | None, subject: str, handle: str | None = None) -> int:
        """Delete a subject's entries of a kind (None: of every kind), or the one with a handle; return how many."""
        chosen = expiring.c.subject == self._hash(f"subject:{subject}")
        if kind is not None:
            chosen &= expiring.c.kind == kind
        if handle is not None:
            try:
                chosen &= expiring.c.id_hash == bytes.fromhex(handle)
            except ValueError:
                return 0
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(expiring).where(chosen))).rowcount

    @bounded
    async def list_of(self, kind: str, subject: str) -> list[Entry]:
        """Return a subject's entries of a kind, the newest first."""
        chosen = (expiring.c.subject == self._hash(f"subject:{subject}")) & (expiring.c.kind == kind)
        alive = chosen & (expiring.c.expires_at > _now())
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(expiring).where(alive))).mappings().all()
        entries = sorted(rows, key=lambda row: row["created_at"], reverse=True)
        return [entry for row in entries if (entry := self._entry(row))]

    def handle(self, kind: str, id_: str) -> str:
        """Return the handle of the entry with an id."""
        return self._hash(f"{kind}:{id_}").hex()

    async def _make_room(self, connection: AsyncConnection, row: dict[str, Any], most: int, evict: bool) -> None:
        own = (expiring.c.subject == row["subject"]) & (expiring.c.kind == row["kind"])
        alive = own & (expiring.c.expires_at > row["created_at"])
        count = (await connection.execute(select(func.count()).select_from(expiring).where(alive))).scalar_one()
        if count < most:
            return
        if not evict:
            raise Overloaded("Too many of these are open at the moment. Try again in a minute.", retry_after=60)
        newest = select(expiring.c.id_hash).where(own).order_by(expiring.c.created_at.desc()).limit(most - 1)
        kept = (await connection.execute(newest)).scalars().all()
        await connection.execute(delete(expiring).where(own & expiring.c.id_hash.not_in(kept)))

    async def _sweep(self, now: int) -> None:
        """Delete what has ended, now and then; by itself, so that no refusal afterwards takes it back."""
        if now - self._swept_at >= _SWEEP_MICROSECONDS:
            self._swept_at = now
            async with self._engine.begin() as connection:
                await connection.execute(delete(expiring).where(expiring.c.expires_at <= now))

    def _is(self, kind: str, id_: str) -> ColumnElement[bool]:
        return (expiring.c.id_hash == self._hash(f"{kind}:{id_}")) & (expiring.c.expires_at > _now())

    def _hash(self, text: str) -> bytes:
        return hmac.digest(self._hashing, text.encode(errors="surrogatepass"), "sha256")

    def _sealed(self, content: bytes, kind: str, hashed: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, kind.encode() + hashed)

    def _entry(self, row: Any) -> Entry | None:
        """Return a row as an entry; None for what another secret has encrypted."""
        if row is None:
            return None
        sealed, hashed = bytes(row["content"]), bytes(row["id_hash"])
        try:
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], row["kind"].encode() + hashed)
        except InvalidTag:
            return None
        return Entry(content, row["created_at"], row["expires_at"], hashed.hex())


def _now() -> int:
    return time.time_ns() // 1000
