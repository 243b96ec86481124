"""A client for the scenarios about authorization: a person signs in on the gateway's pages where a call asks for it.

`python -m tests.mcp.conformance.signing_in ADDRESS`; the suite names the scenario in the environment.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError

from tests.mcp.conformance.upstream import arguments
from tests.mcp.hub import client
from tests.mcp.oauth.people import Company, company

WHO = "alice"
ROUNDS = 6
DOCUMENT = "https://conformance-test.local/client-metadata.json"


def settings(scenario: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return what an administrator would write for a scenario."""
    given = {name: context[name] for name in ("client_id", "client_secret") if context.get(name)}
    if "client-credentials" in scenario:
        return {"grant": "client_credentials", **given}
    return {"client_id": DOCUMENT} if scenario == "auth/basic-cimd" else given


def link_in(result: Any) -> str | None:
    link = (result.meta or {}).get("sekisho/error", {}).get("sign_in")
    return f"/{link.split('/', 3)[3]}" if link else None


async def use(place: Company) -> str | None:
    """Call each tool once; give the link of the first call that needs the person to sign in."""
    async with client(place.gateway, "/judged", "modern", place.key, headers=place.headers(WHO)) as connected:
        for tool in (await connected.list_tools()).tools:
            try:
                result = await connected.call_tool(tool.name, arguments(tool.input_schema))
            except MCPError as error:
                print(tool.name, error)
                continue
            print(tool.name, result)
            if link := link_in(result):
                return link
    return None


def main(address: str) -> None:
    scenario = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    server = {"url": address, "auth": {"oauth": settings(scenario, context)}, "ttl_seconds": 0}
    with tempfile.TemporaryDirectory() as folder, company(Path(folder), {"judged": server}) as place:
        for _ in range(ROUNDS):
            link = asyncio.run(use(place))
            if link is None:
                return
            try:
                answer = place.browser(WHO).sign_in(link)
            except AssertionError as error:
                print("not signed in:", str(error)[:4000])
                return
            print("signed in:", answer.status_code, answer.headers.get("location"))


if __name__ == "__main__":
    main(sys.argv[-1])
