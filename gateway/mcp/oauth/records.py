"""What is kept of sign-ins at tool servers, encrypted: grants and sign-ins under way. Times are Unix seconds."""

import time
from typing import Self

import msgspec

from gateway.mcp.oauth.clients import Client
from gateway.mcp.oauth.endpoint import Tokens

_AHEAD_SECONDS = 300.0
_AHEAD_SHARE = 0.2
_FRESH_SECONDS = 60.0


class Relation(msgspec.Struct, frozen=True):
    """How the gateway deals with one issuer for one server."""

    server: str
    issuer: str
    resource: str
    client: Client
    token_endpoint: str
    revocation_endpoint: str = ""


class Grant(msgspec.Struct, frozen=True):
    """A person's tokens. `id` stays as long as they are refreshed, and changes when the person signs in again."""

    id: str
    relation: Relation
    access: str
    refresh: str | None
    expires_at: float | None
    scopes: tuple[str, ...]
    """Granted, as far as the issuer said."""
    asked: tuple[str, ...]
    since: float
    """When the person signed in."""
    obtained_at: float

    @classmethod
    def of(cls, id_: str, relation: Relation, tokens: Tokens, asked: tuple[str, ...]) -> Self:
        """Return the grant of a person who has just signed in."""
        now = time.time()
        ends = None if tokens.lifetime is None else now + tokens.lifetime
        scopes = asked if tokens.scopes is None else tokens.scopes
        return cls(id_, relation, tokens.access, tokens.refresh, ends, scopes, asked, now, now)

    def renewed(self, tokens: Tokens) -> Self:
        """Return the grant after a refresh; an issuer that names no new refresh token leaves the old one valid."""
        now = time.time()
        return msgspec.structs.replace(
            self,
            access=tokens.access,
            refresh=tokens.refresh or self.refresh,
            expires_at=None if tokens.lifetime is None else now + tokens.lifetime,
            scopes=self.scopes if tokens.scopes is None else tokens.scopes,
            obtained_at=now,
        )

    @property
    def is_valid(self) -> bool:
        """Return whether the access token has not ended, as far as is known."""
        return self.expires_at is None or self.expires_at > time.time()

    @property
    def is_due(self) -> bool:
        """Return whether it is time for a refresh: some minutes ahead, or a fifth of a short life."""
        if self.expires_at is None:
            return False
        ahead = min(_AHEAD_SECONDS, (self.expires_at - self.obtained_at) * _AHEAD_SHARE)
        return self.expires_at - time.time() <= ahead

    @property
    def is_fresh(self) -> bool:
        """Return whether the token was given a moment ago: a server that refuses it would refuse the next one too."""
        return time.time() - self.obtained_at < _FRESH_SECONDS


class Pending(msgspec.Struct, frozen=True):
    """A sign-in that has left for the issuer. `browser`: the session in which it began."""

    person: str
    browser: str
    relation: Relation
    sends_issuer: bool
    verifier: str
    redirect: str
    scopes: tuple[str, ...]


class Wanted(msgspec.Struct, frozen=True):
    """What a server wanted in its last refusal."""

    scopes: tuple[str, ...] = ()
    resource_metadata: str = ""
