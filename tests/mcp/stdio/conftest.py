"""Tool servers over our own stdio transport."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client.session import ClientSession

from gateway.mcp.stdio import StdioCommand, StdioTransport
from tests.fakes import mcp_hostile

Connect = Callable[..., AbstractAsyncContextManager[tuple[StdioTransport, ClientSession]]]


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., StdioCommand]:
    """Build the command of the hostile server in a mode."""

    def build(mode: str = "good", **more: Any) -> StdioCommand:
        program = (sys.executable, "-I", "-S", mcp_hostile.__file__, mode)
        return StdioCommand("hostile", program, more.pop("env", {}), tmp_path / "home", **more)

    return build


@pytest.fixture
def connect(command: Callable[..., StdioCommand]) -> Connect:
    """Open a session with the hostile server in a mode; `opened=False` leaves the handshake out."""

    @asynccontextmanager
    async def connected(
        mode: str = "good", opened: bool = True, **more: Any
    ) -> AsyncIterator[tuple[StdioTransport, ClientSession]]:
        transport = StdioTransport(command(mode, **more))
        async with transport as (reading, writing), ClientSession(reading, writing) as session:
            if opened:
                await session.initialize()
                await session.list_tools()  # else the first call lists them to check its answer
            yield transport, session

    return connected
