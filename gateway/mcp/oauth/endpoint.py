"""What is asked of an issuer's token endpoint (RFC 6749, 8693, 8707) and of its revocation endpoint (RFC 7009)."""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.fetching.guard import Guard
from gateway.mcp.oauth.challenge import scopes_of
from gateway.mcp.oauth.clients import Client
from gateway.mcp.oauth.failures import GrantEnded, OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher, Reply

_TOKEN = re.compile(r"[!-~]{1,65536}")
_LONGEST_LIFETIME = 366 * 86_400
_KNOWN_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
)
_ENDED = ("invalid_grant", "unauthorized_client", "invalid_client")
"""Errors of a refresh after which the person signs in again."""
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_SHOWN = 120


class Tokens(msgspec.Struct, frozen=True):
    """What a token endpoint gave. `lifetime`: in seconds, None where it does not say; `scopes`: None likewise."""

    access: str
    refresh: str | None
    lifetime: int | None
    scopes: tuple[str, ...] | None


class TokenEndpoint(msgspec.Struct, frozen=True):
    """The token endpoint of one issuer, and the client that asks it."""

    fetcher: Fetcher
    guard: Guard
    url: str
    client: Client
    resource: str

    async def by_code(self, code: str, redirect: str, verifier: str) -> Tokens:
        """Redeem an authorization code. Raises `OAuthFailed`."""
        return await self._asked("authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier)

    async def by_refresh(self, refresh: str, scopes: tuple[str, ...]) -> Tokens:
        """Ask for new tokens. Raises `GrantEnded` where only signing in helps, `OAuthFailed`."""
        scope = {"scope": " ".join(scopes)} if scopes else {}
        return await self._asked("refresh_token", refresh_token=refresh, **scope)

    async def for_client(self, scopes: tuple[str, ...]) -> Tokens:
        """Ask for a token of the gateway's own. Raises `OAuthFailed`."""
        return await self._asked("client_credentials", **({"scope": " ".join(scopes)} if scopes else {}))

    async def by_exchange(self, identity: str, audience: str | None, scopes: tuple[str, ...]) -> Tokens:
        """Exchange a person's signed identity. Raises `OAuthFailed`."""
        more = {"audience": audience, "scope": " ".join(scopes)}
        return await self._asked(
            EXCHANGE,
            subject_token=identity,
            subject_token_type=_JWT,
            requested_token_type=_ACCESS_TOKEN,
            **{name: value for name, value in more.items() if value},
        )

    async def revoke(self, url: str, token: str, kind: str) -> None:
        """Tell the issuer that a token is not used any more. Raises `OAuthFailed`."""
        form, headers = authenticated(self.client, {"token": token, "token_type_hint": kind})
        reply = await self.fetcher.post_form(url, self.guard, form, headers)
        if reply.status == 400 and "client_secret" not in form:  # some demand the field beside the header
            form = {**form, "client_secret": self.client.secret or ""}
            reply = await self.fetcher.post_form(url, self.guard, form, headers)
        if reply.status != 200:
            raise OAuthFailed("failing", host=url.split("/")[2][:_SHOWN], status=str(reply.status))

    async def _asked(self, grant: str, **more: str) -> Tokens:
        form, headers = authenticated(self.client, {"grant_type": grant, **more, "resource": self.resource})
        reply = await self.fetcher.post_form(self.url, self.guard, form, headers)
        if reply.status == 200:
            return tokens_of(reply.content)
        raise _refused(reply, grant)


def authenticated(client: Client, form: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a form and headers that say which client asks (RFC 6749, section 2.3.1).

    Some servers want its id in the form even where the header has it.
    """
    if client.method == "client_secret_basic":
        pair = f"{quote(client.id, safe='')}:{quote(client.secret or '', safe='')}"
        return {**form, "client_id": client.id}, {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    secret = {"client_secret": client.secret or ""} if client.method == "client_secret_post" else {}
    return {**form, "client_id": client.id, **secret}, {}


def tokens_of(found: Mapping[str, Any]) -> Tokens:
    """Return the tokens of an answer. Raises `OAuthFailed` where it holds none that can be used."""
    access, kind, refresh = found.get("access_token"), found.get("token_type"), found.get("refresh_token")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        raise OAuthFailed("bad_tokens")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise OAuthFailed("no_bearer")
    kept = refresh if isinstance(refresh, str) and _TOKEN.fullmatch(refresh) else None
    scope = found.get("scope")
    return Tokens(access, kept, _lifetime(found.get("expires_in")), scopes_of(scope) if scope else None)


def _lifetime(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        return None
    return int(min(value, _LONGEST_LIFETIME))


def _refused(reply: Reply, grant: str) -> OAuthFailed:
    error = reply.content.get("error")
    known = error if error in _KNOWN_ERRORS else f"HTTP {reply.status}"
    if grant == "refresh_token" and error in _ENDED:
        return GrantEnded("ended")
    return OAuthFailed("token_refused", error=str(known))
