"""The life of programs: ended after `max_life_seconds`, never in the middle of a call."""

import asyncio
import sys
from pathlib import Path

from tests.fakes import mcp_hostile
from tests.mcp.hub import client, hub, texts, until


async def test_a_program_lives_so_long_at_most(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", mcp_hostile.__file__]
    with hub(tmp_path, {"short": {"command": command, "max_life_seconds": 0.2}}) as gateway:
        async with client(gateway, "/short", "modern") as connected:
            first = int(texts(await connected.call_tool("where"))[0].split()[0])
            running = asyncio.create_task(connected.call_tool("sleep", {"seconds": 1}))
            second = first
            while second == first:
                await asyncio.sleep(0.05)
                second = int(texts(await connected.call_tool("where"))[0].split()[0])
            assert not (await running).is_error, "a call that runs is not cut off"
            await until(lambda: not Path(f"/proc/{first}").exists())
