"""A gateway with tool servers, in the test's process, and the SDK's client in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

Era = Literal["legacy", "modern"]
ERAS: tuple[Era, ...] = ("legacy", "modern")
MODES = {"legacy": "legacy", "modern": "2026-07-28"}


@contextmanager
def hub(folder: Path, servers: dict[str, Any], **more: Any) -> Iterator[InProcess]:
    """Serve a gateway with these tool servers."""
    with in_process(folder, {"models": [], "mcp": {"servers": servers, **more}}) as gateway:
        yield gateway


@contextmanager
def everything(*eras: Era) -> Iterator[dict[str, tuple[Everything, str]]]:
    """Serve an everything-server of each era over HTTP; gives it and its address by the name of the era."""
    with ExitStack() as stack:
        found: dict[str, tuple[Everything, str]] = {}
        for era in eras:
            server = Everything()
            url = stack.enter_context(serving(everything_app(era, server), lifespan="on"))
            found[era] = server, f"{url}/mcp"
        yield found


@asynccontextmanager
async def client(gateway: InProcess, path: str, era: Era, key: str = "", **options: Any) -> AsyncIterator[Client]:
    """Connect the SDK's client of an era to an address below `/mcp`."""
    headers = {"authorization": f"Bearer {key or gateway.key}", **options.pop("headers", {})}
    limits = options.pop("limits", httpx2.Limits())
    async with httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False, limits=limits) as http:
        transport = streamable_http_client(f"{gateway.url}/mcp{path}", http_client=http)
        async with Client(transport, mode=MODES[era], **options) as connected:
            yield connected


A_CONNECTION_EACH = httpx2.Limits(max_keepalive_connections=0)
"""Of clients whose requests shall meet every process of a gateway."""


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the condition is another thread's
            await asyncio.sleep(0.02)


def texts(result: Any) -> list[str]:
    return [block.text for block in result.content if block.type == "text"]
