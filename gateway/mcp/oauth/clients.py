"""As which client the gateway is known to an issuer: registered before, by its document, or by registering itself."""

from typing import Any, Literal

import msgspec

from gateway.config.mcp_oauth import McpOAuth
from gateway.fetching.guard import Guard
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.metadata import Issuer

NAME = "Sekisho"
_SHOWN = 120
_LONGEST_VALUE = 4096
_WITH_SECRET: tuple[Literal["client_secret_basic", "client_secret_post"], ...] = (
    "client_secret_basic",
    "client_secret_post",
)
_METHODS = (*_WITH_SECRET, "none")
"""Ways to authenticate at a token endpoint, the preferred first."""

Method = Literal["client_secret_basic", "client_secret_post", "none"]


class Client(msgspec.Struct, frozen=True):
    """The gateway as one issuer knows it. `method`: how it authenticates at the token endpoint."""

    id: str
    secret: str | None = None
    method: Method = "none"
    scopes: tuple[str, ...] = ()
    """What a client that registered itself said that it would ask for: some issuers grant no others."""


class Ours(msgspec.Struct, frozen=True):
    """The addresses of the gateway that concern a sign-in. `document`: "" where issuers could not read one."""

    redirect: str
    document: str = ""


def known_before(settings: McpOAuth, issuer: Issuer) -> Client | None:
    """Return the client that the configuration names."""
    if settings.client_id is None:
        return None
    if settings.client_secret is None:
        return Client(settings.client_id)
    named = next((each for each in issuer.auth_methods if each in _WITH_SECRET), _WITH_SECRET[0])
    method: Method = "client_secret_post" if (settings.client_auth or named) == _WITH_SECRET[1] else _WITH_SECRET[0]
    return Client(settings.client_id, settings.client_secret.reveal(), method)


def by_document(issuer: Issuer, ours: Ours) -> Client | None:
    """Return the client whose metadata the issuer reads from us."""
    return Client(ours.document) if issuer.takes_documents and ours.document else None


def document_of(ours: Ours) -> dict[str, Any]:
    """Return the metadata document that is served at its own address."""
    return {"client_id": ours.document, **metadata_of(ours, "none")}


def metadata_of(ours: Ours, method: str) -> dict[str, Any]:
    """Return what an issuer is told of the gateway (RFC 7591, section 2)."""
    secured = ours.redirect.startswith("https:")
    return {
        "client_name": NAME,
        "redirect_uris": [ours.redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "web" if secured else "native",
    }


async def register(
    fetcher: Fetcher, guard: Guard, issuer: Issuer, ours: Ours, scopes: tuple[str, ...]
) -> tuple[Client, float | None]:
    """Register the gateway at an issuer; return the client and when its secret ends. Raises `OAuthFailed`."""
    if not issuer.registration_endpoint:
        raise OAuthFailed("no_client", issuer=issuer.identifier[:_SHOWN])
    method = next((each for each in _METHODS if each in issuer.auth_methods), "none")
    asked = metadata_of(ours, method) | ({"scope": " ".join(scopes)} if scopes else {})
    reply = await fetcher.post_json(issuer.registration_endpoint, guard, asked, {})
    if reply.status not in (200, 201):
        raise OAuthFailed("not_registered", issuer=issuer.identifier[:_SHOWN], status=str(reply.status))
    client, until = _registered(reply.body, issuer)
    return msgspec.structs.replace(client, scopes=scopes), until


def _registered(body: bytes, issuer: Issuer) -> tuple[Client, float | None]:
    """Return the client of an answer; the issuer may have chosen otherwise than it was asked."""
    try:
        found = msgspec.json.decode(body, type=_Answer)
    except (ValueError, RecursionError):
        raise OAuthFailed("bad_registration", issuer=issuer.identifier[:_SHOWN]) from None
    id_, secret = found.client_id, found.client_secret or None
    method = found.token_endpoint_auth_method or ("client_secret_basic" if secret else "none")
    usable = method in _METHODS and (method == "none" or secret)
    if not usable or not _is_value(id_) or (secret is not None and not _is_value(secret)):
        raise OAuthFailed("bad_registration", issuer=issuer.identifier[:_SHOWN])
    client = Client(id_, secret if method != "none" else None, method)  # type: ignore[arg-type]  # one of _METHODS
    return client, (found.client_secret_expires_at or None) if secret else None


class _Answer(msgspec.Struct):
    client_id: str
    client_secret: str | None = None
    token_endpoint_auth_method: str | None = None
    client_secret_expires_at: float | None = None


def _is_value(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_VALUE and text.isascii() and text.isprintable()
