"""How the gateway gets tokens for a tool server from an authorization server."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.config.addresses import base_url_problem
from gateway.config.section import Address, Section
from gateway.secret import Secret

Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,200}$")]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")]


class McpOAuth(Section):
    """OAuth 2.1: tokens that an authorization server, the issuer, gives for a tool server."""

    grant: Literal["authorization_code", "client_credentials", "token_exchange"] = "authorization_code"
    """Whose token it is: each person's, who signs in with a browser; the gateway's own, for everybody; or each
    person's, exchanged for their signed identity (RFC 8693), which needs `open_webui.identity_secret`."""
    client_id: str | None = Field(None, min_length=1, max_length=2048, pattern=r"^[\x21-\x7e]+$")
    """The client that the issuer knows the gateway as; null = the gateway shows its metadata document or registers
    itself, whatever the issuer takes."""
    client_secret: Secret | None = None
    """Its secret; null = a public client."""
    client_auth: Literal["client_secret_basic", "client_secret_post"] | None = None
    """How the secret is sent; null = as the issuer says."""
    issuer: Address | None = Field(None, max_length=2048)
    """The only issuer that is believed; null = the one that the server names."""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=100)] | None = None
    """What is asked for; null = what the server says that it needs."""
    audience: str | None = Field(None, min_length=1, max_length=2048)
    """For whom a token is exchanged; null = named by the server's address alone."""
    allowed_hosts: tuple[HostName, ...] = ()
    """Hosts of the company's own network that take part in signing in, such as its issuer; public ones may anyway, and
    the server's own address."""

    @model_validator(mode="after")
    def _client(self) -> Self:
        if self.client_secret and self.client_id is None:
            raise ValueError("'client_secret' belongs to a 'client_id'; write that too")
        if self.client_auth and self.client_secret is None:
            raise ValueError("'client_auth' says how a 'client_secret' is sent; write that too")
        if self.grant == "client_credentials" and self.client_secret is None:
            raise ValueError("'grant: client_credentials' needs 'client_id' and 'client_secret'")
        if self.grant == "token_exchange" and self.client_id is None:
            raise ValueError("'grant: token_exchange' needs a 'client_id'")
        if self.audience and self.grant != "token_exchange":
            raise ValueError("'audience' means something only with 'grant: token_exchange'; remove it")
        return self

    @model_validator(mode="after")
    def _issuer(self) -> Self:
        if self.issuer and (problem := base_url_problem(self.issuer)):
            raise ValueError(f"'issuer': {problem}")
        return self
