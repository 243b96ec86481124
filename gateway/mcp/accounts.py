"""People's sign-ins at tool servers, for the routes and pages of every process of the gateway."""

import asyncio
from typing import TYPE_CHECKING

from gateway.api.tool_accounts import Account
from gateway.audit.actor import Actor
from gateway.config.mcp import Mcp, McpServer
from gateway.errors import Forbidden, NotFound
from gateway.identity.keys import hash_secret
from gateway.identity.person import Person
from gateway.mcp.lazy import ToolServers
from gateway.mcp.oauth.people import is_for, links_secret, person_name
from gateway.runtime import Runtime

if TYPE_CHECKING:
    from gateway.mcp.oauth.clients import Ours
    from gateway.mcp.oauth.records import Grant
    from gateway.mcp.oauth.service import OAuth
    from gateway.mcp.oauth.signing_in import Note, Offer

_MICROSECONDS = 10**6


class Accounts:
    """One for a process. What needs the SDK is imported with the first use."""

    def __init__(self, runtime: Runtime, tool_servers: ToolServers) -> None:
        self._runtime = runtime
        self._tool_servers = tool_servers
        self._made: OAuth | None = None

    @property
    def mcp(self) -> Mcp:
        return self._runtime.current.config.mcp or Mcp()

    def server(self, name: str) -> McpServer:
        """Return a server at which people sign in. Raises `NotFound`."""
        server = self.mcp.servers.get(name)
        if server is None or not server.signs_in:
            raise NotFound("There is no such tool server at which people sign in.", code="tool_server_not_found")
        return server

    async def of(self, person: Person, base: str) -> list[Account]:
        """Return the servers at which a person may sign in. `base`: the address that browsers use."""
        oauth, name = await self._oauth(), person_name(person)
        grants = {grant.relation.server: grant for grant in await oauth.store.of(name)} if name else {}
        found = []
        for server, settings in self.mcp.servers.items():
            if settings.signs_in:
                grant = grants.get(server)
                found.append(
                    Account(
                        server=server,
                        title=settings.title or server,
                        signed_in=grant is not None,
                        issuer=grant.relation.issuer if grant else None,
                        scopes=grant.scopes if grant else (),
                        since=round(grant.since * _MICROSECONDS) if grant else None,
                        sign_in_url=f"{base}/mcp-sign-in/{server}",
                    )
                )
        return found

    async def offer(self, server: str, person: Person) -> "Offer":
        """Return what a person is asked to agree to. Raises `OAuthFailed`, `NotFound`."""
        self.server(server)
        return await (await self._oauth()).signing_in.offer(server, _named(person))

    async def begin(self, server: str, person: Person, browser: str, base: str) -> str:
        """Return the address to which a person's browser goes. Raises `OAuthFailed`, `NotFound`."""
        self.server(server)
        signing_in = (await self._oauth()).signing_in
        return await signing_in.begin(server, _named(person), browser, ours(base, server))

    async def finish(self, server: str, query: str, person: Person, browser: str) -> None:
        """Take what the issuer sent a browser back with. Raises `OAuthFailed`, `NotFound`."""
        self.server(server)
        name = _named(person)
        given = self._noting("consent.given", server, name)
        await (await self._oauth()).signing_in.finish(server, query, name, browser, given)
        await self._tool_servers.signed(server, name)

    async def end(self, server: str, person: Person) -> bool:
        """Sign a person out; return whether they were signed in. Raises `OAuthFailed`, `NotFound`."""
        self.server(server)
        name = _named(person)
        was = await (await self._oauth()).signing_in.end(server, name, self._noting("consent.withdrawn", server, name))
        await self._tool_servers.signed(server, name)
        return was

    def is_for(self, mark: str, server: str, person: Person) -> bool:
        """Return whether a link was made for this person."""
        return is_for(mark, links_secret(hash_secret(self._runtime.current.config)), server, person_name(person))

    def _noting(self, action: str, server: str, person: str) -> "Note":
        """Return what writes a sign-in into the audit; it raises where that cannot be written."""
        actor = Actor("person", person, via="session")

        async def note(grant: "Grant") -> None:
            about = {"tool_server": server, "issuer": grant.relation.issuer}
            scopes = {"scopes": list(grant.scopes)}
            change = (None, scopes) if action == "consent.given" else (scopes, None)
            await self._runtime.keys.audit.record(action, about, *change, actor=actor)

        return note

    async def _oauth(self) -> "OAuth":
        if self._made is None:
            self._made = await asyncio.to_thread(_oauth, self._runtime)
        return self._made


def ours(base: str, server: str) -> "Ours":
    """Return the gateway's addresses for signing in at a server."""
    from gateway.mcp.oauth.clients import Ours

    path = f"{base}/mcp-sign-in/{server}"
    return Ours(f"{path}/callback", f"{path}/client.json" if base.startswith("https:") else "")


def _named(person: Person) -> str:
    """Return a person's name. Raises `Forbidden` for nobody."""
    name = person_name(person)
    if not name:
        raise Forbidden("This key names no person. An administrator gives it an owner.", code="no_owner")
    return name


def _oauth(runtime: Runtime) -> "OAuth":
    from gateway.mcp.oauth.service import OAuth

    return OAuth(lambda: runtime.current.config, runtime.expiring)
