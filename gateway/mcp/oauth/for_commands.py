"""Sign-ins for commands: without a gateway that runs, on its database."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape

from gateway.casing import lower
from gateway.config.schema import Config
from gateway.db.engine import closed, open_database
from gateway.db.expiring import ExpiringStore
from gateway.identity.keys import audit_of, hash_secret
from gateway.mcp.oauth.clients import Ours
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.people import links_secret, mark_of
from gateway.mcp.oauth.records import Grant
from gateway.mcp.oauth.service import OAuth
from gateway.mcp.oauth.signing_in import Note
from gateway.sessions.cookies import public_url

_PATIENCE = 600.0
_LONGEST_LINE = 16 * 1024
_PAGE = (
    '<!doctype html><meta charset="utf-8"><title>Sekisho</title><p>{words}</p>',
    "You can close this page; the terminal says whether you are signed in.",
)


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[OAuth]:
    """Open the sign-ins of a configuration. Raises `ConfigError`."""
    engine = await open_database(config)
    try:
        yield OAuth(lambda: config, ExpiringStore(engine, hash_secret(config)))
    finally:
        await closed(engine)


async def counts(config: Config) -> dict[str, int]:
    """Return how many people are signed in at each server where people do so."""
    names = [name for name, server in config.mcp.servers.items() if server.signs_in] if config.mcp else []
    if not names:
        return {}
    async with opened(config) as oauth:
        return {name: await oauth.store.count(name) for name in names}


def link(config: Config, server: str, person: str | None) -> str:
    """Return the address of the page on which people sign in at a server; for `person` alone where one is named."""
    marked = f"?for={mark_of(links_secret(hash_secret(config)), server, lower(person))}" if person else ""
    return f"{public_url(config)}/mcp-sign-in/{server}{marked}"


async def sign_in_here(config: Config, server: str, person: str, show: Callable[[str], None]) -> Grant:
    """Sign a person in through this machine's loopback; `show` gets the address to open. Raises `OAuthFailed`."""
    browser, answers = secrets.token_urlsafe(32), asyncio.Queue[str](1)

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, answers)

    async with opened(config) as oauth:
        listening = await asyncio.start_server(answered, "127.0.0.1", 0, limit=_LONGEST_LINE)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            ours = Ours(f"http://127.0.0.1:{port}/callback")
            show(await oauth.signing_in.begin(server, lower(person), browser, ours))
            try:
                async with asyncio.timeout(_PATIENCE):
                    query = await answers.get()
            except TimeoutError:
                raise OAuthFailed("state") from None
            return await oauth.signing_in.finish(server, query, lower(person), browser, _noting(config, person))


def _noting(config: Config, person: str) -> Note:
    audit = audit_of(config)

    async def note(grant: Grant) -> None:
        about = {"tool_server": grant.relation.server, "issuer": grant.relation.issuer, "person": person}
        await audit.record("consent.given", about, None, {"scopes": list(grant.scopes)})

    return note


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Queue[str]) -> None:
    """Answer a browser; keep the first query that comes to the address of the answer."""
    with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
        line = (await reader.readuntil(b"\r\n")).decode("latin-1").split(" ")
        path, _, query = line[1].partition("?") if len(line) == 3 else ("", "", "")
        found = path == "/callback" and line[0] == "GET"
        if found and answers.empty():
            answers.put_nowait(query)
        page = _PAGE[0].format(words=escape(_PAGE[1])).encode()
        status = b"200 OK" if found else b"404 Not Found"
        writer.write(b"HTTP/1.1 %s\r\ncontent-type: text/html\r\ncontent-length: %d\r\n" % (status, len(page)))
        writer.write(b"connection: close\r\n\r\n" + page)
        await writer.drain()
    writer.close()
