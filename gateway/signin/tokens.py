"""ID tokens: signature, issuer, audience, times and nonce."""

import contextlib
import re
import time
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import Key

from gateway.signin.errors import Reason, SignInFailed
from gateway.signin.provider import Provider

_LONGEST = 64 * 1024
_LEEWAY_SECONDS = 60
_OWN_KEYS = ("jwk", "jku", "x5u", "x5c", "crit")
"""Parts of a header with which a token would bring, or name, its own key or rules."""


async def verified(
    provider: Provider, token: object, client_id: str, nonce: str, access_token: object
) -> dict[str, Any]:
    """Return the claims of an ID token. Raises `SignInFailed`."""
    header = _header(token)
    metadata = await provider.metadata()
    if header.get("alg") not in metadata.algorithms:
        raise SignInFailed("token", f"the token is signed with {header.get('alg')!r:.40}, which is not allowed")
    keys = await provider.keys(header.get("kid") if isinstance(header.get("kid"), str) else None)
    decoded = _decoded(str(token), keys, metadata.algorithms)
    options = {
        "iss": {"essential": True, "value": metadata.issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
        "nonce": {"essential": True, "value": nonce},
    }
    params = {
        "nonce": nonce,
        "client_id": client_id,
        "access_token": access_token if isinstance(access_token, str) else None,
    }
    try:
        CodeIDToken(decoded.claims, decoded.header, options, params).validate(leeway=_LEEWAY_SECONDS)
    except ClaimError as error:
        raise _refused(error, decoded.claims) from error
    except (JoseError, ValueError, TypeError, OverflowError) as error:
        raise SignInFailed("token", f"the token does not fit: {type(error).__name__}") from error
    _check_audience(decoded.claims, client_id)
    return decoded.claims


def _header(token: object) -> dict[str, Any]:
    """Return the header of a token, which nothing has proved yet."""
    if (
        not isinstance(token, str)
        or len(token) > _LONGEST
        or not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]*", token, re.ASCII)
    ):
        raise SignInFailed("token", "the provider sent no ID token that can be read")
    try:
        header: dict[str, Any] = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise SignInFailed("token", "the header of the ID token cannot be read") from error
    if any(name in header for name in _OWN_KEYS):
        raise SignInFailed("token", "the ID token brings its own key")
    return header


def _decoded(token: str, keys: list[Key], algorithms: list[str]) -> jwt.Token:
    """Return a token whose signature one of the keys has made."""
    registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)
    for key in keys:
        with contextlib.suppress(JoseError, ValueError, TypeError, RecursionError):
            return jwt.decode(token, key, registry=registry)
    raise SignInFailed("token", f"none of the provider's keys ({len(keys)} fit) has signed the token")


def _refused(error: ClaimError, claims: dict[str, Any]) -> SignInFailed:
    """Return why a claim is not accepted; clocks that differ are a reason of their own."""
    value, now = claims.get(error.claim), time.time()
    is_early = error.claim in ("iat", "nbf") and isinstance(value, int | float) and value > now
    reason: Reason = "clock" if is_early or isinstance(error, ExpiredTokenError) else "token"
    return SignInFailed(reason, f"the token's claim '{error.claim}' is not accepted: {value!r:.200} at {now:.0f}")


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    """Raise `SignInFailed` for a token that is also for others and does not say that it was issued to us."""
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
        raise SignInFailed("token", "the token is for several clients and was not issued to this one")
