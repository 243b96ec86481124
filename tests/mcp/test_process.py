"""The hub in a gateway of its own process: a changed configuration, and its end."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.gateway import GatewayProcess, InProcess
from tests.mcp.hub import client, everything, until

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


async def test_a_changed_configuration_and_the_end(tmp_path: Path) -> None:
    with everything("modern") as servers:
        one: dict[str, Any] = {"models": [], "server": {"shutdown_grace_seconds": 60}}
        process = GatewayProcess(tmp_path, one)
        gateway = InProcess(process.url, process.key("one"), process.data_dir)
        await asyncio.to_thread(process.start)
        try:
            assert gateway.post("/mcp", json={}).status_code == 404
            process.configure({**one, "mcp": {"servers": {"a": {"url": servers["modern"][1]}}}})
            await until(lambda: gateway.post("/mcp", json={}).status_code != 404)
            kinds: list[str] = []

            async def heard(message: Any) -> None:
                kinds.append(type(message).__name__)

            async with (
                client(gateway, "", "legacy", message_handler=heard) as older,
                client(gateway, "", "modern") as newer,
                newer.listen(tools_list_changed=True) as stream,
            ):
                assert all(tool.name.startswith("a__") for tool in (await older.list_tools()).tools)
                changed = {"a": {"url": servers["modern"][1], "deny": ["echo"]}, "b": {"url": servers["modern"][1]}}
                process.configure({**one, "mcp": {"servers": changed}})
                await until(lambda: gateway.post("/mcp/b", json={}).status_code != 404)
                async for _ in stream:
                    break
                await until(lambda: "ToolListChangedNotification" in kinds)
                names = [tool.name for tool in (await older.list_tools()).tools]
                assert "b__echo" in names
                assert "a__echo" not in names
                assert process.process
                process.process.send_signal(signal.SIGTERM)
                async for _ in stream:
                    pass
                assert await asyncio.to_thread(process.process.wait, 20) == 0, "open streams hold nobody up"
        finally:
            process.stop()
