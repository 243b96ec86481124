"""Grants, sign-ins under way and registrations in the database, for all processes of the gateway."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from gateway.db.expiring import Entry, ExpiringStore
from gateway.identity.person import at_tool_servers
from gateway.mcp.oauth.clients import Client
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.records import Grant, Pending, Wanted

_GRANT, _MEMBER, _PENDING, _WANTED, _CLIENT, _PIN, _LOCK = (
    "mcp_token",
    "mcp_signed_in",
    "mcp_state",
    "mcp_wanted",
    "mcp_client",
    "mcp_issuer",
    "mcp_lock",
)
_DAY = 86_400.0
_KEPT_UNUSED = 90 * _DAY
"""A grant that can be refreshed ends when it was not for so long."""
_KEPT_PLAIN = 30 * _DAY
"""A grant of which nobody says when it ends."""
_REGISTERED = 366 * _DAY
_SIGNING_IN = 600.0
_WANTED_SECONDS = 3600.0
_LOCK_SECONDS = 60.0
_PATIENCE = 30.0
_LOOK_AGAIN = 0.05
_MOST_PENDING = 10
_MOST_SERVERS = 1000
_MOST_PEOPLE = 100_000

T = TypeVar("T")


class GrantStore:
    """Grants stay when a person signs out everywhere: each is ended by itself, which its issuer is told."""

    def __init__(self, expiring: ExpiringStore) -> None:
        self._expiring = expiring

    async def find(self, server: str, person: str) -> Grant | None:
        return _read(await self._expiring.get(_GRANT, _name(server, person)), Grant)

    async def save(self, person: str, grant: Grant) -> None:
        """Keep a grant in the place of the one before, of whichever issuer that was."""
        server = grant.relation.server
        id_, content, seconds = _name(server, person), msgspec.json.encode(grant), _kept(grant)
        await self._put(_GRANT, at_tool_servers(person), id_, content, seconds, _MOST_SERVERS)
        await self._put(_MEMBER, server, id_, b"", seconds, _MOST_PEOPLE)

    async def drop(self, server: str, person: str) -> Grant | None:
        """Forget a person's grant, and return it."""
        id_ = _name(server, person)
        await self._expiring.delete(_MEMBER, id_)
        await self._expiring.delete(_WANTED, id_)
        return _read(await self._expiring.take(_GRANT, id_), Grant)

    async def of(self, person: str) -> list[Grant]:
        """Return all grants of a person."""
        found = [_read(entry, Grant) for entry in await self._expiring.list_of(_GRANT, at_tool_servers(person))]
        return [grant for grant in found if grant]

    async def count(self, server: str) -> int:
        """Return how many people are signed in at a server."""
        return len(await self._expiring.list_of(_MEMBER, server))

    async def begin(self, pending: Pending) -> str:
        """Keep a sign-in that leaves for the issuer; return its `state`, which is worth something once."""
        content = msgspec.json.encode(pending)
        state = await self._expiring.put(_PENDING, pending.person, content, _SIGNING_IN, most=_MOST_PENDING)
        assert state, "a random id is not taken"
        return state

    async def finish(self, state: str) -> Pending | None:
        """Return the sign-in of a `state`, to the first who asks."""
        return _read(await self._expiring.take(_PENDING, state), Pending)

    async def want(self, server: str, person: str, wanted: Wanted) -> None:
        """Note what a server wanted of a person."""
        id_, content = _name(server, person), msgspec.json.encode(wanted)
        await self._put(_WANTED, at_tool_servers(person), id_, content, _WANTED_SECONDS, _MOST_SERVERS)

    async def wanted(self, server: str, person: str) -> Wanted:
        return _read(await self._expiring.get(_WANTED, _name(server, person)), Wanted) or Wanted()

    async def registered(self, server: str, issuer: str, redirect: str) -> Client | None:
        """Return the client that was registered at an issuer for a server."""
        return _read(await self._expiring.get(_CLIENT, _name(server, issuer, redirect)), Client)

    async def register(self, server: str, issuer: str, redirect: str, client: Client, until: float | None) -> None:
        """Keep a client that was registered; `until`: when its secret ends, in Unix seconds."""
        seconds = _REGISTERED if until is None else max(until - time.time(), 1.0)
        id_, content = _name(server, issuer, redirect), msgspec.json.encode(client)
        await self._put(_CLIENT, server, id_, content, seconds, _MOST_SERVERS)

    async def unregister(self, server: str, issuer: str, redirect: str) -> None:
        """Forget a client that its issuer no longer knows."""
        await self._expiring.delete(_CLIENT, _name(server, issuer, redirect))

    async def pinned(self, server: str, client_id: str) -> str | None:
        """Return the only issuer that is shown the secret of a configured client: the first that took it."""
        entry = await self._expiring.get(_PIN, _name(server, client_id))
        return entry.content.decode() if entry else None

    async def pin(self, server: str, client_id: str, issuer: str) -> None:
        await self._put(_PIN, server, _name(server, client_id), issuer.encode(), _REGISTERED, _MOST_SERVERS)

    @asynccontextmanager
    async def locked(self, *names: str) -> AsyncIterator[None]:
        """Keep others out, in all processes of the gateway, while the block runs. Raises `OAuthFailed` after 30 s."""
        id_, holder = _name(*names), secrets.token_bytes(16)
        try:
            async with asyncio.timeout(_PATIENCE):
                # The holder may be another process, which can set no event here.
                while await self._expiring.put(_LOCK, id_, holder, _LOCK_SECONDS, id_=id_) is None:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            raise OAuthFailed("busy") from None
        try:
            yield
        finally:
            await asyncio.shield(self._unlock(id_, holder))

    async def _unlock(self, id_: str, holder: bytes) -> None:
        entry = await self._expiring.get(_LOCK, id_)
        if entry and entry.content == holder:
            await self._expiring.delete(_LOCK, id_)

    async def _put(self, kind: str, subject: str, id_: str, content: bytes, seconds: float, most: int) -> None:
        if not await self._expiring.change(kind, id_, content, seconds):
            await self._expiring.put(kind, subject, content, seconds, id_=id_, most=most)


def _name(*parts: str) -> str:
    """Return one name for several; no part can pass for two."""
    return msgspec.json.encode(parts).decode()


def _kept(grant: Grant) -> float:
    if grant.refresh:
        return _KEPT_UNUSED
    return _KEPT_PLAIN if grant.expires_at is None else max(grant.expires_at - time.time(), 1.0)


def _read(entry: Entry | None, kind: type[T]) -> T | None:
    """Return the content of an entry; None for what another version of this program wrote."""
    try:
        return msgspec.json.decode(entry.content, type=kind) if entry else None
    except msgspec.DecodeError:
        return None
