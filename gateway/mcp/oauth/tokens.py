"""People's access tokens: a moment in memory, refreshed ahead of their end by one process for all."""

import asyncio
import time

from cachetools import LRUCache
from sqlalchemy.exc import SQLAlchemyError

from gateway.mcp.oauth.endpoint import TokenEndpoint
from gateway.mcp.oauth.failures import GrantEnded, OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.records import Grant
from gateway.mcp.oauth.store import GrantStore

_MOST_KEPT = 4096
_READ_AGAIN_SECONDS = 5.0
"""How long another process may have signed a person out without this one's knowing."""
_TRY_AGAIN_SECONDS = 30.0
"""Delay before a refresh that failed is tried again, where the token still works."""

Place = tuple[str, str]
"""Server and person."""


class PersonalTokens:
    """One for a process."""

    def __init__(self, store: GrantStore, fetcher: Fetcher) -> None:
        self._store = store
        self._fetcher = fetcher
        self._known: LRUCache[Place, tuple[Grant, float]] = LRUCache(_MOST_KEPT)
        self._failed: LRUCache[Place, float] = LRUCache(_MOST_KEPT)
        self._renewing: dict[Place, asyncio.Task[Grant | None]] = {}

    def known(self, place: Place) -> Grant | None:
        """Return the grant as it was last seen here, without asking the database."""
        found = self._known.get(place)
        return found[0] if found else None

    def forget(self, place: Place) -> None:
        """Read a grant again before it is used."""
        self._known.pop(place, None)
        self._failed.pop(place, None)

    async def grant(self, place: Place, url: str, hosts: tuple[str, ...]) -> Grant | None:
        """Return a grant whose token works, None where the person has to sign in.

        `url`, `hosts`: of the server, for which private addresses may be asked. Raises `OAuthFailed` where that cannot
        be told at the moment.
        """
        grant, read_at = self._known.get(place) or (None, 0.0)
        if grant is None or time.monotonic() - read_at > _READ_AGAIN_SECONDS:
            grant = self._seen(place, await self._found(place))
        if grant is None or not grant.is_due or (grant.is_valid and self._waits(place, grant)):
            return grant
        return await self.renewed(place, grant.access, url, hosts)

    async def renewed(self, place: Place, refused: str, url: str, hosts: tuple[str, ...]) -> Grant | None:
        """Return a grant with another token than `refused`, None where the person has to sign in. Raises as `grant`."""
        task = self._renewing.get(place)
        if task is None:
            task = asyncio.create_task(self._renew(place, refused, url, hosts), name=f"refreshing {place[0]}")
            self._renewing[place] = task
            task.add_done_callback(lambda done: self._ended(place, done))
        return await asyncio.shield(task)

    async def _renew(self, place: Place, refused: str, url: str, hosts: tuple[str, ...]) -> Grant | None:
        async with self._store.locked("refresh", *place):
            grant = await self._found(place)
            if grant is None or grant.access != refused:  # another process was faster
                return self._seen(place, grant)
            if grant.refresh is None:
                await self._end(place)
                return None
            try:
                tokens = await (await self._endpoint(grant, url, hosts)).by_refresh(grant.refresh, ())
            except GrantEnded:
                await self._end(place)
                return None
            except OAuthFailed:
                self._failed[place] = time.monotonic()
                if grant.is_due and grant.is_valid:
                    return self._seen(place, grant)
                raise
            renewed = grant.renewed(tokens)
            await self._store.save(place[1], renewed)
            return self._seen(place, renewed)

    async def _endpoint(self, grant: Grant, url: str, hosts: tuple[str, ...]) -> TokenEndpoint:
        relation, guard = grant.relation, await self._fetcher.guard(url, hosts)
        return TokenEndpoint(self._fetcher, guard, relation.token_endpoint, relation.client, relation.resource)

    async def _found(self, place: Place) -> Grant | None:
        try:
            return await self._store.find(*place)
        except (SQLAlchemyError, OSError) as error:  # TimeoutError is one
            raise OAuthFailed("store") from error

    async def _end(self, place: Place) -> None:
        await self._store.drop(*place)
        self.forget(place)

    def _seen(self, place: Place, grant: Grant | None) -> Grant | None:
        if grant is None:
            self.forget(place)
        else:
            self._known[place] = grant, time.monotonic()
        return grant

    def _waits(self, place: Place, grant: Grant) -> bool:
        """Return whether a token that still works is not refreshed now."""
        failed_at = self._failed.get(place)
        return grant.refresh is None or (failed_at is not None and time.monotonic() - failed_at < _TRY_AGAIN_SECONDS)

    def _ended(self, place: Place, task: asyncio.Task[Grant | None]) -> None:
        self._renewing.pop(place, None)
        if not task.cancelled():
            task.exception()  # who waited has it
