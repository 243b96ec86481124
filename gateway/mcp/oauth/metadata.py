"""What tool servers and issuers publish about themselves (RFC 9728, RFC 8414, OpenID discovery): checked. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from mcp.client.auth.utils import issuers_match
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url

from gateway.mcp.oauth.challenge import valid_scopes
from gateway.mcp.oauth.failures import OAuthFailed

_LONGEST_URL = 2048
_SHOWN = 120


class Resource(msgspec.Struct, frozen=True):
    """A tool server as an OAuth resource. `issuers`: in the order in which it names them."""

    identifier: str
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] | None


class Issuer(msgspec.Struct, frozen=True):
    """An authorization server."""

    identifier: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    revocation_endpoint: str = ""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    scopes: tuple[str, ...] = ()
    has_s256: bool = False
    takes_documents: bool = False
    """Whether a client may be known by the address of its metadata document."""
    sends_issuer: bool = False
    """Whether its answers always name it (RFC 9207)."""


def resource_of(found: Mapping[str, Any], server_url: str) -> Resource | None:
    """Return a server's metadata, None where `found` is none. Raises `OAuthFailed` where it is another resource's."""
    identifier, issuers = found.get("resource"), found.get("authorization_servers")
    if not isinstance(identifier, str) or not isinstance(issuers, list):
        return None
    named = tuple(each for each in issuers if isinstance(each, str) and is_address(each))[:10]
    if not named or not is_address(identifier):
        return None
    if not check_resource_allowed(canonical(server_url), identifier):
        raise OAuthFailed("resource_mismatch", resource=identifier[:_SHOWN])
    scopes = found.get("scopes_supported")
    return Resource(identifier, named, valid_scopes(scopes) if isinstance(scopes, list) else None)


def canonical(server_url: str) -> str:
    """Return the address of a tool server as the name of a resource (RFC 8707)."""
    return str(resource_url_from_server_url(server_url))


def issuer_of(found: Mapping[str, Any], expected: str, *, signs_in: bool) -> Issuer | None:
    """Return an issuer's metadata, None where it is none.

    `signs_in`: persons are sent there, so PKCE is needed. Raises `OAuthFailed` where it is another issuer's.
    """
    identifier = found.get("issuer")
    if not isinstance(identifier, str):
        return None
    if not issuers_match(identifier, expected):
        raise OAuthFailed("issuer_mismatch", issuer=identifier[:_SHOWN], expected=expected[:_SHOWN])
    needed = ("authorization_endpoint", "token_endpoint") if signs_in else ("token_endpoint",)
    endpoints = {name: _endpoint(found.get(name), expected) for name in _ENDPOINTS}
    if not all(endpoints[name] for name in needed):
        return None
    methods = _texts(found.get("code_challenge_methods_supported"))
    if signs_in and "S256" not in methods:
        raise OAuthFailed("no_pkce", issuer=identifier[:_SHOWN])
    return Issuer(
        identifier,
        **endpoints,
        auth_methods=_texts(found.get("token_endpoint_auth_methods_supported")) or ("client_secret_basic",),
        scopes=valid_scopes(_texts(found.get("scopes_supported"))),
        has_s256="S256" in methods,
        takes_documents=found.get("client_id_metadata_document_supported") is True,
        sends_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def older_issuer(server_url: str) -> Issuer:
    """Return the issuer of a server that publishes nothing: itself, at the addresses of revision 2025-03-26."""
    origin = origin_of(server_url)
    return Issuer(origin, f"{origin}/authorize", f"{origin}/token", f"{origin}/register", has_s256=True)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"


def is_address(url: str) -> bool:
    """Return whether this is a plain web address, without a user and without a fragment."""
    if len(url) > _LONGEST_URL or not all("!" <= each <= "~" for each in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and port != 0


_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint")


def _endpoint(url: Any, issuer: str) -> str:
    """Return an endpoint that may be used, or "". One without TLS belongs to an issuer without TLS."""
    if not isinstance(url, str) or not is_address(url) or "#" in url:
        return ""
    return url if url.lower().startswith("https:") or issuer.lower().startswith("http:") else ""


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(each for each in found if isinstance(each, str))[:200] if isinstance(found, list) else ()
