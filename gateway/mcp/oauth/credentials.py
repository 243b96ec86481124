"""How the gateway shows itself to a server that takes tokens of an authorization server."""

from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from gateway.config.mcp import McpServer
from gateway.config.schema import Config
from gateway.identity.caller import Caller
from gateway.mcp.credentials import ConfiguredCredentials
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.oauth.challenge import Challenge, challenge_of
from gateway.mcp.oauth.failures import GrantEnded, OAuthFailed
from gateway.mcp.oauth.hosts import hosts_of
from gateway.mcp.oauth.people import person_name
from gateway.mcp.oauth.records import Grant, Wanted
from gateway.mcp.oauth.service import OAuth
from gateway.mcp.oauth.signing_in import belongs
from gateway.mcp.oauth.words import told
from gateway.mcp.principal import is_known

_BEARER = "Bearer "
_SIGN_IN = "you have to sign in there first"
_AGAIN = "your sign-in there has ended; sign in again"


class PersonalCredentials(ConfiguredCredentials):
    """The token of each person who has signed in; nobody else's."""

    def __init__(self, name: str, server: McpServer, config: Config, oauth: OAuth) -> None:
        super().__init__(name, server, config)
        assert server.url
        self._oauth = oauth
        self._url = server.url
        self._hosts = hosts_of(server.auth.oauth)

    def fingerprint(self, caller: Caller) -> str:
        """Return the id of the sign-in: it outlives refreshed tokens, and another sign-in gets other connections."""
        person = person_name(caller.person) if is_known(caller) else ""
        grant = self._oauth.tokens.known((self._name, person))
        return sha256(f"{grant.id if grant else ''} {person}".encode(errors="surrogatepass")).hexdigest()[:16]

    async def ready(self, caller: Caller) -> None:
        await self._grant(caller)

    async def headers(self, caller: Caller) -> Mapping[str, str]:
        grant = await self._grant(caller)
        return {**await super().headers(caller), "authorization": f"{_BEARER}{grant.access}"}

    async def refused(self, caller: Caller, sent: Mapping[str, str], status: int, challenge: str) -> bool:
        place, said = self._place(caller), challenge_of(challenge)
        token = sent.get("authorization", "").removeprefix(_BEARER)
        try:
            if said.wants_more:
                await self._wants_more(place, said)
                return False
            return status == 401 and await self._is_renewed(place, token, said)
        except (SQLAlchemyError, OSError) as error:
            raise UpstreamDown(self._name, told(OAuthFailed("store"))) from error

    async def _is_renewed(self, place: tuple[str, str], token: str, said: Challenge) -> bool:
        grant = await self._oauth.store.find(*place)
        if grant is None:
            return False
        if grant.access != token:
            self._oauth.tokens.forget(place)
            return True
        if grant.is_fresh or grant.refresh is None:  # the next one would be refused, too
            await self._oauth.store.drop(*place)
            self._oauth.tokens.forget(place)
            await self._oauth.store.want(*place, Wanted(said.scopes, said.resource_metadata))
            return False
        try:
            renewed = await self._oauth.tokens.renewed(place, token, self._url, self._hosts)
        except OAuthFailed as error:
            raise UpstreamDown(self._name, told(error)) from error
        return renewed is not None and renewed.access != token

    async def _wants_more(self, place: tuple[str, str], said: Challenge) -> None:
        """Note the scopes to ask for. Raises `UpstreamDown` where they were asked for before, and not granted."""
        grant = await self._oauth.store.find(*place)
        if grant and said.scopes and set(said.scopes) <= {*grant.asked}:
            scopes = ", ".join(said.scopes)[:200]
            raise UpstreamDown(
                self._name,
                f"it wants more rights than your sign-in gave ({scopes}), and they were asked for already. "
                "Somebody has to give you these rights there",
            )
        await self._oauth.store.want(*place, Wanted(said.scopes, said.resource_metadata))

    async def _grant(self, caller: Caller) -> Grant:
        """Return a person's grant. Raises `SignInNeeded`, `UpstreamDown`."""
        place = self._place(caller)
        before = self._oauth.tokens.known(place)
        try:
            grant = await self._oauth.tokens.grant(place, self._url, self._hosts)
        except GrantEnded as error:
            raise SignInNeeded(self._name, _AGAIN) from error
        except OAuthFailed as error:
            raise UpstreamDown(self._name, told(error)) from error
        if grant is None or not belongs(grant, self._server):
            raise SignInNeeded(self._name, _AGAIN if before or grant else _SIGN_IN)
        return grant

    def _place(self, caller: Caller) -> tuple[str, str]:
        person = person_name(caller.person) if is_known(caller) else ""
        if not person:
            raise UpstreamDown(self._name, told(OAuthFailed("nobody")))
        return self._name, person


class OwnCredentials(ConfiguredCredentials):
    """The gateway's own token, or one exchanged for each person's signed identity."""

    def __init__(self, name: str, server: McpServer, config: Config, oauth: OAuth) -> None:
        super().__init__(name, server, config)
        assert server.auth.oauth
        self._exchanges = server.auth.oauth.grant == "token_exchange"
        self._tokens = oauth.own_tokens(name, server)

    def fingerprint(self, caller: Caller) -> str:
        return ""  # who may share a connection is told by its principal

    async def headers(self, caller: Caller) -> Mapping[str, str]:
        try:
            token = await self._tokens.access(self._whose(caller), caller, self._secret)
        except OAuthFailed as error:
            raise UpstreamDown(self._name, told(error)) from error
        return {**await super().headers(caller), "authorization": f"{_BEARER}{token}"}

    async def refused(self, caller: Caller, sent: Mapping[str, str], status: int, challenge: str) -> bool:
        self._tokens.challenge = challenge_of(challenge)
        token = sent.get("authorization", "").removeprefix(_BEARER)
        return status == 401 and self._tokens.forget(self._whose(caller), token)

    def _whose(self, caller: Caller) -> str:
        if not self._exchanges:
            return ""
        if not is_known(caller) or not caller.user_id:
            raise UpstreamDown(self._name, told(OAuthFailed("nobody")))
        return caller.user_id
