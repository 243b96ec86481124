"""Serves the everything-server by itself."""

import argparse
import asyncio
from typing import Any

import uvicorn
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server

from tests.fakes.mcp_everything.serving import Everything, everything_app


async def over_stdio(era: str) -> None:
    server: Any = Everything().server()
    async with stdio_server() as (reading, writing):
        if era == "legacy":
            async with server.lifespan(server) as state:
                options = server.create_initialization_options()
                await serve_loop(server, reading, writing, lifespan_state=state, init_options=options)
        else:
            await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=("stdio", "http"))
    parser.add_argument("--port", type=int, default=3900)
    parser.add_argument("--era", choices=("both", "legacy", "modern"), default="both")
    chosen = parser.parse_args()
    if chosen.transport == "stdio":
        asyncio.run(over_stdio(chosen.era))
    else:
        uvicorn.run(everything_app(chosen.era), host="127.0.0.1", port=chosen.port, log_level="warning")
