"""Who calls: the API key that a request presents."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.types import Scope

from gateway.api.client import headers_of
from gateway.errors import Unauthenticated
from gateway.identity.keys import Key
from gateway.identity.person import personal_key
from gateway.network import check_key, check_server, client_address
from gateway.runtime import Runtime
from gateway.sessions.session import SCOPE, Session


def presented_key(headers: Mapping[str, str]) -> str:
    """Return the key of `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`, or an empty text."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return (headers.get("x-api-key") or headers.get("x-goog-api-key", "")).strip()


async def authenticate(runtime: Runtime, headers: Mapping[str, str]) -> Key:
    """Return the caller's key. Raises `Unauthenticated`; the message never repeats what was presented."""
    presented = presented_key(headers)
    if not presented:
        raise Unauthenticated(
            "No API key. Send 'Authorization: Bearer sk-…'; administrators make keys with `sekisho keys create`.",
            code="missing_api_key",
        )
    key = await runtime.keys.find(presented)
    if key is None:
        raise _not_valid(runtime, presented)
    return key


def _not_valid(runtime: Runtime, presented: str) -> Unauthenticated:
    """Return why a key is refused; who has its secret may know that it was valid once."""
    key = runtime.keys.ended(presented)
    if key is None:
        return Unauthenticated("This API key is not known or was revoked. Ask an administrator for a new one.")
    expires = key.policy.expires_at
    if key.revoked_at is None and expires is not None and expires <= time.time_ns() // 1000:
        when = datetime.fromtimestamp(expires // 10**6, UTC)
        return Unauthenticated(
            f"This API key ended on {when:%Y-%m-%d %H:%M} UTC. Make a new one, or ask an administrator for one.",
            code="key_expired",
        )
    return Unauthenticated(
        "This API key was revoked or replaced by a newer one. Use that, or ask an administrator for a new one.",
        code="key_revoked",
    )


def session_key(scope: Scope) -> Key | None:
    """Return the key with which a person acts on our own pages; None for a request from the network."""
    session: Session | None = scope.get(SCOPE)
    return personal_key(session.person, session.team) if session else None


async def authenticate_reader(runtime: Runtime, scope: Scope) -> Key:
    """Return the key of a request that asks no model. Raises `Unauthenticated`, `Forbidden`."""
    headers, server = headers_of(scope), runtime.current.config.server
    address = client_address(scope, headers, server)
    check_server(address, server)
    if own := session_key(scope):
        return own
    presented = presented_key(headers)
    if not presented:
        raise Unauthenticated(
            f"{scope['method']} {scope['path']} needs an API key: 'Authorization: Bearer sk-…'.",
            code="missing_api_key",
        )
    key = await authenticate(runtime, headers)
    check_key(address, key.policy)
    return key
