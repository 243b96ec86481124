"""A person signs in at a tool server: what they are shown, the way to the issuer, and the way back."""

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from cachetools import TTLCache
from mcp.client.auth.utils import issuers_match
from mcp.shared.auth_utils import check_resource_allowed

from gateway.config.mcp import Mcp, McpServer
from gateway.config.mcp_oauth import McpOAuth
from gateway.fetching.guard import Guard
from gateway.mcp.oauth.challenge import Challenge
from gateway.mcp.oauth.clients import Client, Ours, by_document, known_before, register
from gateway.mcp.oauth.discovery import Found, discover, probe
from gateway.mcp.oauth.endpoint import TokenEndpoint
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.hosts import hosts_of, own_guard
from gateway.mcp.oauth.metadata import canonical
from gateway.mcp.oauth.pinning import check_pin, pin
from gateway.mcp.oauth.records import Grant, Pending, Relation
from gateway.mcp.oauth.store import GrantStore

_OFFLINE = "offline_access"
_VERIFIER_BYTES = 64
_LONGEST_CODE = 8192
_MOST_OFFERS = 1024
_OFFER_SECONDS = 60.0
_SHOWN = 120

Servers = Callable[[], Mcp]
"""Gives the tool servers of the present configuration."""
Note = Callable[[Grant], Awaitable[object]]
"""Takes down that a person has signed in, or out."""


async def _unnoted(grant: Grant) -> None:
    pass


class Offer(msgspec.Struct, frozen=True):
    """What a person is asked to agree to."""

    server: str
    found: Found
    scopes: tuple[str, ...]


class SigningIn:
    """One for a process."""

    def __init__(self, servers: Servers, store: GrantStore, fetcher: Fetcher) -> None:
        self._servers = servers
        self._store = store
        self._fetcher = fetcher
        self._offers: TTLCache[tuple[str, str], Offer] = TTLCache(_MOST_OFFERS, _OFFER_SECONDS)

    def server(self, name: str) -> tuple[McpServer, McpOAuth, str]:
        """Return a server at which people sign in, with its address. Raises `OAuthFailed` for any other name."""
        server = self._servers().servers.get(name)
        oauth = server.auth.oauth if server else None
        if server is None or server.url is None or oauth is None or not server.signs_in:
            raise OAuthFailed("no_server", server=name[:_SHOWN])
        return server, oauth, server.url

    async def offer(self, name: str, person: str) -> Offer:
        """Return where a person signs in and what is asked for. Raises `OAuthFailed`."""
        _, oauth, url = self.server(name)
        if kept := self._offers.get((name, person)):
            return kept
        wanted = await self._store.wanted(name, person)
        challenge = Challenge(wanted.resource_metadata, wanted.scopes)
        if not wanted.scopes:
            challenge = await probe(self._fetcher, url, await own_guard(self._fetcher, url))
        guard = await self._fetcher.guard(url, hosts_of(oauth))
        found = await discover(self._fetcher, url, guard, oauth, challenge)
        before = await self._store.find(name, person) if wanted.scopes else None
        offer = Offer(name, found, _asked(found, before.asked + before.scopes if before else ()))
        self._offers[name, person] = offer
        return offer

    async def begin(self, name: str, person: str, browser: str, ours: Ours) -> str:
        """Return the address of the issuer to which a person's browser goes. Raises `OAuthFailed`.

        `browser`: what the browser that comes back must show.
        """
        _, oauth, url = self.server(name)
        offer = await self.offer(name, person)
        issuer = offer.found.issuer
        guard = await self._fetcher.guard(url, hosts_of(oauth))
        client = await self._client(name, oauth, guard, offer, ours)
        relation = Relation(
            name, issuer.identifier, offer.found.resource, client, issuer.token_endpoint, issuer.revocation_endpoint
        )
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        pending = Pending(person, browser, relation, issuer.sends_issuer, verifier, ours.redirect, offer.scopes)
        return _address(issuer.authorization_endpoint, pending, await self._store.begin(pending))

    async def finish(self, name: str, query: str, person: str, browser: str, note: Note = _unnoted) -> Grant:
        """Take what an issuer sent a browser back with, and keep the person's tokens. Raises `OAuthFailed`.

        `note` is called before they are kept; what it raises keeps them from it.
        """
        _, oauth, url = self.server(name)
        answer = _answer(query)
        pending = await self._store.finish(answer["state"]) if answer.get("state") else None
        if pending is None or pending.relation.server != name:
            raise OAuthFailed("state")
        if pending.person != person or not secrets.compare_digest(pending.browser.encode(), browser.encode()):
            raise OAuthFailed("other_person")
        _check_issuer(pending, answer.get("iss"))
        code = _code(answer)
        relation = pending.relation
        guard = await self._fetcher.guard(url, hosts_of(oauth))
        endpoint = TokenEndpoint(self._fetcher, guard, relation.token_endpoint, relation.client, relation.resource)
        try:
            tokens = await endpoint.by_code(code, pending.redirect, pending.verifier)
        except OAuthFailed as error:
            if error.said.get("error") == "invalid_client":  # the issuer has forgotten us: register anew the next time
                await self._store.unregister(name, relation.issuer, pending.redirect)
            raise
        await pin(self._store, name, oauth, relation.issuer)
        grant = Grant.of(secrets.token_urlsafe(12), relation, tokens, pending.scopes)
        await note(grant)
        await self._store.drop(name, person)
        await self._store.save(person, grant)
        self._offers.pop((name, person), None)
        return grant

    async def end(self, name: str, person: str, note: Note = _unnoted) -> bool:
        """Sign a person out: forget the tokens, and tell the issuer. Return whether they were signed in."""
        async with self._store.locked("refresh", name, person):
            if found := await self._store.find(name, person):
                await note(found)
            grant = await self._store.drop(name, person)
        self._offers.pop((name, person), None)
        if grant:
            await self._revoke(grant)
        return grant is not None

    async def _revoke(self, grant: Grant) -> None:
        """Tell an issuer that a grant is over, as far as it wants to know; it is forgotten here in any case."""
        relation = grant.relation
        server = self._servers().servers.get(relation.server)
        if not relation.revocation_endpoint or server is None or server.url is None:
            return
        hosts = hosts_of(server.auth.oauth)
        guard = await self._fetcher.guard(server.url, hosts)
        endpoint = TokenEndpoint(self._fetcher, guard, relation.token_endpoint, relation.client, relation.resource)
        for token, kind in ((grant.refresh, "refresh_token"), (grant.access, "access_token")):
            if token:
                try:
                    await endpoint.revoke(relation.revocation_endpoint, token, kind)
                except OAuthFailed:
                    return

    async def _client(self, name: str, oauth: McpOAuth, guard: Guard, offer: Offer, ours: Ours) -> Client:
        """Return as whom to ask: what the configuration says, what was registered, or a new registration."""
        issuer = offer.found.issuer
        await check_pin(self._store, name, oauth, issuer.identifier)
        if found := known_before(oauth, issuer) or by_document(issuer, ours):
            return found
        async with self._store.locked("register", name, issuer.identifier):
            kept = await self._store.registered(name, issuer.identifier, ours.redirect)
            if kept and set(offer.scopes) <= set(kept.scopes):
                return kept
            client, until = await register(self._fetcher, guard, issuer, ours, offer.scopes)
            await self._store.register(name, issuer.identifier, ours.redirect, client, until)
            return client


def _asked(found: Found, before: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes to ask for: what is wanted now, what was granted before, and a refresh token where there is."""
    scopes = tuple(dict.fromkeys((*before, *(found.scopes or ()))))
    return (*scopes, _OFFLINE) if _OFFLINE in found.issuer.scopes and _OFFLINE not in scopes else scopes


def _address(endpoint: str, pending: Pending, state: str) -> str:
    """Return the address of an authorization request (RFC 6749, 7636, 8707)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": pending.relation.client.id,
        "redirect_uri": pending.redirect,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": pending.relation.resource,
        **({"scope": " ".join(pending.scopes)} if pending.scopes else {}),
        **({"prompt": "consent"} if _OFFLINE in pending.scopes else {}),  # OpenID demands it for refresh tokens
    }
    parts = urlsplit(endpoint)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in asked]
    return urlunsplit(parts._replace(query=urlencode([*kept, *asked.items()])))


def _answer(query: str) -> dict[str, str]:
    """Return the parameters of an answer. Raises `OAuthFailed` where one is there twice."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise OAuthFailed("state") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise OAuthFailed("state")
    return dict(pairs)


def _check_issuer(pending: Pending, said: str | None) -> None:
    """Raise `OAuthFailed` unless the answer is of the issuer that was asked (RFC 9207), whatever else it says."""
    if said is None and pending.sends_issuer:
        raise OAuthFailed("issuer_missing", issuer=pending.relation.issuer[:_SHOWN])
    if said is not None and said != pending.relation.issuer:
        raise OAuthFailed("other_issuer", issuer=pending.relation.issuer[:_SHOWN])


def _code(answer: dict[str, str]) -> str:
    """Return the code of an answer. Raises `OAuthFailed` where the issuer refuses."""
    if "error" in answer:
        raise OAuthFailed("denied" if answer["error"] == "access_denied" else "issuer_refuses")
    code = answer.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise OAuthFailed("state")
    return code


def belongs(grant: Grant, server: McpServer) -> bool:
    """Return whether a grant is still one of this configuration: another issuer, client or address needs a new one."""
    oauth, relation = server.auth.oauth, grant.relation
    if oauth is None or server.url is None:
        return False
    same_client = oauth.client_id is None or oauth.client_id == relation.client.id
    same_issuer = oauth.issuer is None or issuers_match(oauth.issuer, relation.issuer)
    return same_client and same_issuer and check_resource_allowed(canonical(server.url), relation.resource)
