"""A client for the suites that judge clients: it calls through the hub, so that the hub's side of the server is judged.

`python -m tests.mcp.conformance.upstream ADDRESS`; the suite names the scenario in the environment.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.mcp.hub import client, hub

_EXAMPLES = {"string": "text", "integer": 5, "number": 3, "boolean": True, "array": [], "object": {}}


async def answer(context: Any, params: Any) -> types.ElicitResult:
    """Accept a form with its defaults."""
    properties = getattr(params, "requested_schema", {}).get("properties", {})
    content = {
        name: schema.get("default", _EXAMPLES[schema.get("type", "string")]) for name, schema in properties.items()
    }
    return types.ElicitResult(action="accept", content=content)


def arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Make up arguments for a tool."""
    properties = schema.get("properties", {})
    return {name: _EXAMPLES.get(str(each.get("type")), "text") for name, each in properties.items()}


async def use(connected: Client, context: dict[str, Any]) -> None:
    """Call the tools that the suite names, or each tool once."""
    tools = (await connected.list_tools()).tools
    calls = [(each["name"], each.get("arguments", {})) for each in context.get("toolCalls", [])]
    named = {name for name, _ in calls}
    calls += [(tool.name, arguments(tool.input_schema)) for tool in tools if tool.name not in named]
    for name, given in calls:
        try:
            print(name, await connected.call_tool(name, given))
        except MCPError as error:
            print(name, error)


async def main(address: str) -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    with tempfile.TemporaryDirectory() as folder, hub(Path(folder), {"judged": {"url": address}}) as gateway:
        async with client(gateway, "/judged", "modern", elicitation_callback=answer) as connected:
            await use(connected, context)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1]))
