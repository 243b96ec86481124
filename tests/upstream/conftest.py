"""Clients that leave no connection open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.upstream.client import UpstreamClient

Opened = Callable[..., UpstreamClient]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Makes clients with these settings of `server:`."""
    made: list[UpstreamClient] = []

    def make(**settings: Any) -> UpstreamClient:
        made.append(UpstreamClient(**settings))
        return made[-1]

    yield make
    for client in made:
        await client.stop()
    await asyncio.sleep(0.01)
