"""Open tool servers once each and tell what comes of it: for commands."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Literal

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from gateway.config.mcp import McpServer
from gateway.config.schema import Config
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.identity.policy import Policy
from gateway.mcp.capabilities import EVERYTHING_BUT_ROOTS
from gateway.mcp.catalog.catalog import Catalog
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.oauth.choose import credentials_of
from gateway.mcp.oauth.for_commands import opened
from gateway.mcp.oauth.service import OAuth
from gateway.mcp.overview import Noted, Offered, noted_of, offered_of, pins_of
from gateway.mcp.principal import SHARED, principal_of
from gateway.mcp.protocol import Params, Result
from gateway.mcp.upstream.opening import Way
from gateway.mcp.upstream.pool import Group, Pool
from gateway.upstream.client import UpstreamClient

_AT_ONCE = 4


class Checked(msgspec.Struct, frozen=True):
    """What came of opening a server and reading its lists."""

    server: str
    state: Literal["works", "fails", "skipped"]
    seconds: float
    transport: Literal["stdio", "http", "sse"] | None = None
    offered: Offered | None = None
    noted: list[Noted] = []
    reason: str = ""
    """Why it does not work or was not tried, with the last lines that it wrote to stderr, without secrets."""


async def check(config: Config, names: Sequence[str], person: str | None) -> list[Checked]:
    """Open these servers, a few at a time, in a person's name where one is given; nothing of them is left running.

    Listings and pins are kept as a gateway keeps them.
    """
    async with AsyncExitStack() as stack:
        oauth = None
        if any(server.auth.oauth for server in (config.mcp.servers.values() if config.mcp else ())):
            oauth = await stack.enter_async_context(opened(config))
        return await _checked(_Checker(config, person, oauth), names)


async def _checked(checker: "_Checker", names: Sequence[str]) -> list[Checked]:
    some = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> Checked:
        async with some:
            return await checker.checked(name)

    with _unlogged():
        await checker.catalog.start()
        try:
            return list(await asyncio.gather(*(one(name) for name in names)))
        finally:
            await checker.stop()


class _Checker:
    def __init__(self, config: Config, person: str | None, oauth: OAuth | None) -> None:
        assert config.mcp
        self._config = config
        self._servers = config.mcp.servers
        self._folder = config.data_dir / "mcp"
        self._person = person
        self._oauth = oauth
        self._caller = _caller(person)
        server = config.server
        self._client = UpstreamClient(server.outbound_proxy, server.no_proxy, server.custom_ca)
        self._pool = Pool()
        self._pins = pins_of(config)
        self.catalog = Catalog(self._folder / "catalog", self._pool, self._pins, lambda _: None)

    async def stop(self) -> None:
        await self.catalog.stop()
        await self._pool.stop()
        await self._client.stop()

    async def checked(self, name: str) -> Checked:
        server = self._servers[name]
        if (server.auth.user_tokens or server.signs_in) and not self._person:
            return Checked(name, "skipped", 0, reason="it needs a person's token; name one with --as")
        began = time.monotonic()
        group: Group | None = None
        try:
            group = await self._group(name, server)
            listing = await self.catalog.read(group, EVERYTHING_BUT_ROOTS)
        except UpstreamDown as error:
            return Checked(name, "fails", _since(began), reason=_told(error, group))
        else:
            seconds = _since(began)
            transport = group.connections[0].transport if group.connections else None
            noted = list(noted_of(self._pins, name, server))
            return Checked(name, "works", seconds, transport, offered_of(listing), noted)
        finally:
            await self._pool.drop(name)

    async def _group(self, name: str, server: McpServer) -> Group:
        principal = SHARED if server.is_shared else principal_of(self._caller)
        credentials = credentials_of(name, server, self._config, self._oauth)
        await credentials.ready(self._caller)
        folder, fingerprint = self._folder / "servers", credentials.fingerprint(self._caller)
        way = Way(name, server, credentials, self._client, folder, self._caller, principal, fingerprint)
        return self._pool.group(way, _Nobody(), None)


def _caller(person: str | None) -> Caller:
    key = Key("check", "", "check", person, None, None, 0, None, Policy())
    return Caller(key, Person(user_id=person, email=person, source="key") if person else Person())


def _told(error: UpstreamDown, group: Group | None) -> str:
    """Return why a server does not work. The process was this check's alone, so what it wrote is about it."""
    if error.last_words or group is None or not group.connections:
        return error.told
    words = group.connections[-1].last_words()
    return f"{error.reason}; its last lines: {words}" if words else error.reason


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


class _Nobody:
    """Takes what a server says outside of a request."""

    async def notified(self, method: str, params: Params) -> None:
        pass

    async def asked(self, method: str, params: Params) -> Result:
        if method == "roots/list":
            return {"roots": []}
        raise MCPError(METHOD_NOT_FOUND, "Nobody can be asked now.", data=method)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the hub's log off the terminal: all that it says here is in the result."""
    log, handler = logging.getLogger("sekisho.mcp"), logging.NullHandler()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
