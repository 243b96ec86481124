"""Finds out where persons sign in for a tool server, and what the server wants them to grant."""

import msgspec
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls as issuer_addresses,
)
from mcp.client.auth.utils import (
    build_protected_resource_metadata_discovery_urls as resource_addresses,
)
from mcp.client.auth.utils import issuers_match

from gateway.config.mcp_oauth import McpOAuth
from gateway.fetching.guard import Guard
from gateway.mcp.oauth.challenge import Challenge, challenge_of
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher, Reply
from gateway.mcp.oauth.metadata import (
    Issuer,
    Resource,
    canonical,
    is_address,
    issuer_of,
    older_issuer,
    origin_of,
    resource_of,
)

_PROBE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
_FAILING = (429, 500)
_SHOWN = 120


class Found(msgspec.Struct, frozen=True):
    """What a sign-in needs to know of a server. `scopes`: None where neither server nor configuration names any."""

    resource: str
    issuer: Issuer
    scopes: tuple[str, ...] | None


async def probe(fetcher: Fetcher, url: str, guard: Guard) -> Challenge:
    """Ask a server without a token, and return how it refuses. Raises `OAuthFailed`."""
    headers = {"accept": "application/json, text/event-stream"}
    reply = await fetcher.post_json(url, guard, _PROBE, headers)
    return challenge_of(reply.headers.get("www-authenticate", "")) if reply.status in (401, 403) else Challenge()


async def discover(fetcher: Fetcher, url: str, guard: Guard, settings: McpOAuth, challenge: Challenge) -> Found:
    """Return where to sign in for a server. Raises `OAuthFailed`."""
    signs_in = settings.grant == "authorization_code"
    resource = await _resource(fetcher, url, guard, challenge)
    issuer = await _issuer(fetcher, url, guard, _expected(resource, settings), signs_in)
    scopes = settings.scopes or challenge.scopes or (resource.scopes if resource else None)
    return Found(resource.identifier if resource else canonical(url), issuer, scopes)


async def _resource(fetcher: Fetcher, url: str, guard: Guard, challenge: Challenge) -> Resource | None:
    """Return a server's own metadata, None where it has none. Raises `OAuthFailed`."""
    named = challenge.resource_metadata
    failing: OAuthFailed | None = None
    for address in resource_addresses(named if is_address(named) else None, url):
        try:
            reply = await fetcher.get(address, guard)
        except OAuthFailed as error:
            failing = error
            continue
        if reply.status == 200 and (found := resource_of(reply.content, url)):
            return found
        failing = failing or _failing(reply, address)
    if failing:  # it may well publish some: going on as if it did not would be what an attacker wants
        raise failing
    return None


def _expected(resource: Resource | None, settings: McpOAuth) -> str | None:
    """Return the issuer to believe, None for the server itself. Raises `OAuthFailed` for one that is not meant."""
    named, wanted = (resource.issuers if resource else ()), settings.issuer
    if wanted is None:
        return named[0] if named else None
    if named and not any(issuers_match(wanted, each) for each in named):
        raise OAuthFailed("issuer_mismatch", issuer=named[0][:_SHOWN], expected=wanted[:_SHOWN])
    return wanted


async def _issuer(fetcher: Fetcher, url: str, guard: Guard, expected: str | None, signs_in: bool) -> Issuer:
    """Return an issuer's metadata. Raises `OAuthFailed`."""
    failing: OAuthFailed | None = None
    for address in issuer_addresses(expected, url):
        try:
            reply = await fetcher.get(address, guard)
        except OAuthFailed as error:
            failing = failing or error
            continue
        if reply.status == 200 and (found := issuer_of(reply.content, expected or origin_of(url), signs_in=signs_in)):
            return found
        failing = failing or _failing(reply, address)
    if failing:
        raise failing
    if expected is None:
        return older_issuer(url)
    raise OAuthFailed("no_metadata", issuer=expected[:_SHOWN])


def _failing(reply: Reply, address: str) -> OAuthFailed | None:
    if reply.status == _FAILING[0] or reply.status >= _FAILING[1]:
        return OAuthFailed("failing", host=address.split("/")[2][:_SHOWN], status=str(reply.status))
    return None
