"""Signing in with the company's OpenID provider."""

from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gateway.config.section import Section
from gateway.secret import Secret

Domain = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]{1,200}$")]
Claim = Annotated[str, Field(min_length=1, max_length=200)]


_FOR_EVERYBODY = ("accounts.google.com", "appleid.apple.com", "gitlab.com", "auth.login.yahoo.co.jp")
"""Providers at which strangers have accounts under the same issuer."""


def _issuer(address: str) -> str:
    """Return an issuer's address as it is. Raises `ValueError` for one that no provider can have."""
    parts = urlsplit(address)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or not address.isprintable():
        raise ValueError("must be the provider's address, such as https://login.example.com/realms/company")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("must begin with https://; without TLS anybody on the way could sign in as anybody")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Oidc(Section):
    """The company's OpenID provider: Entra ID, Google, Okta, Keycloak, …"""

    issuer: Annotated[str, AfterValidator(_issuer)]
    """Its address, as its own description (`/.well-known/openid-configuration`) says it."""
    client_id: str = Field(min_length=1, max_length=500)
    """What the provider calls this gateway."""
    client_secret: Secret | None = None
    """null = a public client, which PKCE alone protects."""
    name: str = Field("SSO", min_length=1, max_length=60)
    """Stands on the button of the sign-in page."""
    scopes: tuple[Scope, ...] = ("openid", "email", "profile")
    """What the provider is asked for."""
    email_claim: Claim = "email"
    """The claim with the e-mail address by which people are known here; `preferred_username` at Entra ID."""
    email_verified: Literal["claim", "trusted"] = "claim"
    """`claim`: the claim `email_verified` must say so. `trusted`: administrators alone set addresses there."""
    email_domains: tuple[Domain, ...] = ()
    """Domains of the addresses that may sign in; empty = all, not at `trusted` and at providers for everybody."""
    groups_claim: Claim | None = None
    """The claim with the person's groups; null = none."""
    sign_out_there: bool = True
    """Offer, after signing out here, to sign out at the provider, too."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("'scopes' must have 'openid'")
        if self.email_verified == "trusted" and not self.email_domains:
            raise ValueError("'email_verified: trusted' needs 'email_domains', the domains that are the company's own")
        if urlsplit(self.issuer).hostname in _FOR_EVERYBODY and not self.email_domains:
            raise ValueError("anybody can have an account at this provider: it needs 'email_domains'")
        return self
