"""Tokens for which nobody signs in: the gateway's own, or a person's in exchange for their signed identity."""

import asyncio
import time

import msgspec
from cachetools import LRUCache

from gateway.config.mcp import McpServer
from gateway.config.mcp_oauth import McpOAuth
from gateway.identity.caller import Caller
from gateway.identity.introduction import introduction
from gateway.mcp.oauth.challenge import Challenge
from gateway.mcp.oauth.clients import known_before
from gateway.mcp.oauth.discovery import Found, discover, probe
from gateway.mcp.oauth.endpoint import TokenEndpoint, Tokens
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.hosts import hosts_of, own_guard
from gateway.mcp.oauth.pinning import check_pin, pin
from gateway.mcp.oauth.store import GrantStore
from gateway.secret import Secret

_MOST_KEPT = 4096
_AHEAD_SHARE = 0.2
_AHEAD_SECONDS = 60.0
_UNKNOWN_LIFETIME = 300.0


class _Kept(msgspec.Struct, frozen=True):
    access: str
    until: float
    """Monotonic seconds."""


class OwnTokens:
    """Of one server, in memory."""

    def __init__(self, name: str, server: McpServer, store: GrantStore, fetcher: Fetcher) -> None:
        assert server.url
        assert server.auth.oauth
        self._name, self._url, self._oauth = name, server.url, server.auth.oauth
        self._store = store
        self._fetcher = fetcher
        self._kept: LRUCache[str, _Kept] = LRUCache(_MOST_KEPT)
        self._getting: dict[str, asyncio.Task[str]] = {}
        self.challenge = Challenge()
        """The last one of the server."""

    async def access(self, whose: str, caller: Caller, secret: Secret | None) -> str:
        """Return a token for a caller; `whose` is "" where all have the same. Raises `OAuthFailed`."""
        kept = self._kept.get(whose)
        if kept and kept.until > time.monotonic():
            return kept.access
        task = self._getting.get(whose)
        if task is None:
            task = asyncio.create_task(self._get(whose, caller, secret), name=f"token for {self._name}")
            self._getting[whose] = task
            task.add_done_callback(lambda done: self._ended(whose, done))
        return await asyncio.shield(task)

    def forget(self, whose: str, refused: str) -> bool:
        """Forget a token that was refused; return whether there was one, and another may help."""
        kept = self._kept.get(whose)
        if kept is None or kept.access != refused:
            return kept is not None
        del self._kept[whose]
        return True

    async def _get(self, whose: str, caller: Caller, secret: Secret | None) -> str:
        guard = await self._fetcher.guard(self._url, hosts_of(self._oauth))
        found = await self._discovered()
        await check_pin(self._store, self._name, self._oauth, found.issuer.identifier)
        client = known_before(self._oauth, found.issuer)
        assert client, "the configuration demands one"
        endpoint = TokenEndpoint(self._fetcher, guard, found.issuer.token_endpoint, client, found.resource)
        tokens = await _asked(endpoint, self._oauth, found.scopes or (), caller, secret)
        await pin(self._store, self._name, self._oauth, found.issuer.identifier)
        lifetime = _UNKNOWN_LIFETIME if tokens.lifetime is None else float(tokens.lifetime)
        until = time.monotonic() + lifetime - min(_AHEAD_SECONDS, lifetime * _AHEAD_SHARE)
        self._kept[whose] = _Kept(tokens.access, until)
        return tokens.access

    async def _discovered(self) -> Found:
        challenge = self.challenge
        if not challenge.resource_metadata:
            challenge = await probe(self._fetcher, self._url, await own_guard(self._fetcher, self._url))
        guard = await self._fetcher.guard(self._url, hosts_of(self._oauth))
        return await discover(self._fetcher, self._url, guard, self._oauth, challenge)

    def _ended(self, whose: str, task: asyncio.Task[str]) -> None:
        self._getting.pop(whose, None)
        if not task.cancelled():
            task.exception()  # who waited has it


async def _asked(
    endpoint: TokenEndpoint, oauth: McpOAuth, scopes: tuple[str, ...], caller: Caller, secret: Secret | None
) -> Tokens:
    if oauth.grant == "client_credentials":
        return await endpoint.for_client(scopes)
    assert secret, "the configuration demands one"
    identity = introduction(caller.person, "mcp", "id_and_email", secret).get("x-openwebui-user-jwt")
    if identity is None:
        raise OAuthFailed("nobody")
    return await endpoint.by_exchange(identity, oauth.audience, scopes)
