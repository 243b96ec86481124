"""A configured client's secret is shown to one issuer only: the configured one, or the first that took it."""

from mcp.client.auth.utils import issuers_match

from gateway.config.mcp_oauth import McpOAuth
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.store import GrantStore

_SHOWN = 120


async def check_pin(store: GrantStore, server: str, oauth: McpOAuth, issuer: str) -> None:
    """Raise `OAuthFailed` where a tool server names another issuer than before, which would learn the secret."""
    if oauth.client_secret is None or oauth.client_id is None or oauth.issuer is not None:
        return
    pinned = await store.pinned(server, oauth.client_id)
    if pinned is not None and not issuers_match(pinned, issuer):
        raise OAuthFailed("issuer_changed", issuer=issuer[:_SHOWN], expected=pinned[:_SHOWN])


async def pin(store: GrantStore, server: str, oauth: McpOAuth, issuer: str) -> None:
    """Note which issuer took the secret."""
    if oauth.client_secret is not None and oauth.client_id is not None and oauth.issuer is None:
        await store.pin(server, oauth.client_id, issuer)
