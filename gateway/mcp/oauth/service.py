"""All of OAuth towards tool servers that outlives a request: one for a process."""

from collections.abc import Callable

from gateway.config.mcp import Mcp, McpServer
from gateway.config.schema import Config
from gateway.db.expiring import ExpiringStore
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.own_tokens import OwnTokens
from gateway.mcp.oauth.signing_in import SigningIn
from gateway.mcp.oauth.store import GrantStore
from gateway.mcp.oauth.tokens import PersonalTokens


class OAuth:
    """Sign-ins and tokens. `config` gives the present configuration."""

    def __init__(self, config: Callable[[], Config], expiring: ExpiringStore) -> None:
        self._config = config
        self.store = GrantStore(expiring)
        self._fetcher = Fetcher(config().server)
        self.tokens = PersonalTokens(self.store, self._fetcher)
        self.signing_in = SigningIn(self._servers, self.store, self._fetcher)

    def own_tokens(self, name: str, server: McpServer) -> OwnTokens:
        """Return the tokens of a server at which nobody signs in."""
        return OwnTokens(name, server, self.store, self._fetcher)

    def _servers(self) -> Mcp:
        return self._config().mcp or Mcp()
