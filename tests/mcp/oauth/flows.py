"""Sign-ins without pages: the parts below them, on a database of their own, against real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from gateway.config.schema import Config
from gateway.db.engine import closed, open_database
from gateway.db.expiring import ExpiringStore
from gateway.mcp.oauth.clients import Ours
from gateway.mcp.oauth.records import Grant
from gateway.mcp.oauth.service import OAuth

OURS = Ours("http://127.0.0.1:4000/mcp-sign-in/wiki/callback")
SECRET = b"secret of the tests, long enough 0123456789"
WIKI = ("wiki", "alice")


def configured(folder: Path, url: str, **oauth: Any) -> Config:
    servers = {"wiki": {"url": url, "auth": {"oauth": oauth}}}
    return Config.model_validate({"data_dir": folder, "mcp": {"servers": servers}})


@asynccontextmanager
async def service(config: Config) -> AsyncIterator[OAuth]:
    """Give what one process of a gateway has; several share the database."""
    engine = await open_database(config)
    try:
        yield OAuth(lambda: config, ExpiringStore(engine, SECRET))
    finally:
        await closed(engine)


def flow(folder: Path, url: str, work: Callable[[OAuth], Awaitable[Any]], **oauth: Any) -> Any:
    """Run something with the service of a gateway with one server."""

    async def run() -> Any:
        async with service(configured(folder, url, **oauth)) as found:
            return await work(found)

    return asyncio.run(run())


async def to_issuer(oauth: OAuth, person: str = "alice", browser: str = "b") -> str:
    """Leave for the issuer; gives the query with which it sends the browser back."""
    url = await oauth.signing_in.begin("wiki", person, browser, OURS)
    return await authorize(url, person)


async def authorize(url: str, person: str = "alice") -> str:
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(url, headers={"x-user": person})
    assert answer.status_code == 302, answer.text
    return urlsplit(answer.headers["location"]).query


async def sign_in(oauth: OAuth, person: str = "alice") -> Grant:
    return await oauth.signing_in.finish("wiki", await to_issuer(oauth, person), person, "b")
