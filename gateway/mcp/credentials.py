"""How the gateway shows itself to a tool server. A client's own key is never sent on."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from gateway.config.mcp import McpServer
from gateway.config.schema import Config
from gateway.identity.caller import Caller
from gateway.identity.introduction import introduction
from gateway.mcp.errors import SignInNeeded
from gateway.mcp.principal import is_known
from gateway.secret import Secret


class Credentials(Protocol):
    """The credentials of one server."""

    def fingerprint(self, caller: Caller) -> str:
        """Return what changes with the credentials: connections with others are not shared."""

    async def ready(self, caller: Caller) -> None:
        """Find out whether `caller` may use the server at all. Raises `SignInNeeded`, `UpstreamDown`."""

    async def headers(self, caller: Caller) -> Mapping[str, str]:
        """Return the headers that authorize a request of `caller`. Raises `SignInNeeded`, `UpstreamDown`."""

    async def refused(self, caller: Caller, sent: Mapping[str, str], status: int, challenge: str) -> bool:
        """Take note that the server refused a request with these headers; return whether others are worth a try.

        `challenge`: the server's `WWW-Authenticate`. Raises `UpstreamDown` where signing in would not help.
        """

    def environment(self, caller: Caller | None) -> Mapping[str, Secret]:
        """Return the variables of a process for `caller`, or for everybody. Raises `SignInNeeded`."""


class ConfiguredCredentials:
    """Credentials that stand in the configuration: none, one token, a token a person, a signed identity."""

    def __init__(self, name: str, server: McpServer, config: Config) -> None:
        self._name = name
        self._server = server
        self._secret = config.open_webui.identity_secret
        self._fixed = {header: value.reveal() for header, value in server.headers.items()}

    def fingerprint(self, caller: Caller) -> str:
        if not self._server.auth.user_tokens:
            return ""
        return sha256(self._token_of(caller).reveal().encode()).hexdigest()[:16]

    async def ready(self, caller: Caller) -> None:
        pass

    async def refused(self, caller: Caller, sent: Mapping[str, str], status: int, challenge: str) -> bool:
        return False

    async def headers(self, caller: Caller) -> Mapping[str, str]:
        headers, auth = dict(self._fixed), self._server.auth
        if token := self._token(caller):
            headers["authorization"] = f"Bearer {token.reveal()}"
        if auth.identity and self._secret:
            headers |= introduction(caller.person, "mcp", auth.identity, self._secret)
        return headers

    def environment(self, caller: Caller | None) -> Mapping[str, Secret]:
        name = self._server.user_token_env
        if name is None or caller is None:
            return self._server.env
        return {**self._server.env, name: self._token_of(caller)}

    def _token(self, caller: Caller) -> Secret | None:
        return self._token_of(caller) if self._server.auth.user_tokens else self._server.auth.token

    def _token_of(self, caller: Caller) -> Secret:
        """Return a person's own token; never another's. Raises `SignInNeeded`."""
        tokens = self._server.auth.user_tokens
        names = (caller.person.email, caller.user_id) if is_known(caller) else ()
        token = next((tokens[name] for name in names if name in tokens), None)
        if token is None:
            raise SignInNeeded(self._name, "there is no token for you; an administrator can add one")
        return token
