"""Which private addresses may be asked on behalf of a tool server, by its configuration."""

from urllib.parse import urlsplit

from gateway.config.mcp_oauth import McpOAuth
from gateway.fetching.guard import Guard
from gateway.mcp.oauth.guarded import Fetcher


def hosts_of(oauth: McpOAuth | None) -> tuple[str, ...]:
    """Return the hosts that the configuration names: they may be private ones."""
    if oauth is None:
        return ()
    issuer = urlsplit(oauth.issuer).hostname if oauth.issuer else None
    return (*oauth.allowed_hosts, *([issuer] if issuer else []))


async def own_guard(fetcher: Fetcher, url: str) -> Guard:
    """Return a guard for a server's own address, which the configuration names, wherever that is."""
    return await fetcher.guard(url, (urlsplit(url).hostname or "",))
