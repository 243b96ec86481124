"""Chooses how the gateway shows itself to a server, by its configuration."""

from gateway.config.mcp import McpServer
from gateway.config.schema import Config
from gateway.mcp.credentials import ConfiguredCredentials, Credentials
from gateway.mcp.oauth.credentials import OwnCredentials, PersonalCredentials
from gateway.mcp.oauth.service import OAuth


def credentials_of(name: str, server: McpServer, config: Config, oauth: OAuth | None) -> Credentials:
    """Return the credentials of a server. `oauth`: None where no server needs it."""
    settings = server.auth.oauth
    if settings is None:
        return ConfiguredCredentials(name, server, config)
    assert oauth
    kind = PersonalCredentials if settings.grant == "authorization_code" else OwnCredentials
    return kind(name, server, config, oauth)
