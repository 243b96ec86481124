"""Agents of the gateway's list of models."""

import asyncio
import json
import re
import time
from typing import Any

import aiohttp

from plugins.agents.manifest import MISTAKE_ID, MOST_AGENTS, Agent, Menu, menu_of
from plugins.shared.connection import connection_key
from plugins.shared.fetching import fetch
from plugins.shared.json_values import dict_of, dicts, label, words
from plugins.shared.log import log

LIST_SECONDS = 60
LIST_TIMEOUT = 3  # seconds; people wait for the menu
LONGEST_LIST = 5_000_000  # bytes
MOST_LISTED = 5_000


async def listed_by(url: str) -> Any:
    """Return the body of GET /v1/models. Raises aiohttp.ClientError, TimeoutError, ValueError."""
    headers = {"Authorization": f"Bearer {await connection_key(url) or ''}"}
    return json.loads(await fetch(f"{url}/models", headers, LIST_TIMEOUT, LONGEST_LIST))


def agents_of(url: str, response: Any) -> list[Agent]:
    """Return the models of OpenAI's model list whose mode is agent. In ids only A-Z 0-9 _ - stay."""
    agents = []
    for row in dicts(dict_of(response).get("data"))[:MOST_LISTED]:
        name = row.get("id")
        if row.get("mode") == "agent" and isinstance(name, str) and name:
            id, about = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64], words(row.get("description"))
            agent = Agent(
                id=id, name=label(row.get("name"))[:100] or name[:100], url=url, model=name, description=about
            )
            agent._of_gateway = True
            agents.append(agent)
    return agents[:MOST_AGENTS]


class GatewayList:
    """Cache of the gateway's agents: asked at most once a minute, and kept while the gateway does not answer."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[float, list[Agent]]] = {}
        self.asking = asyncio.Lock()

    async def agents(self, url: str) -> list[Agent]:
        async with self.asking:
            asked, agents = self.known.get(url, (-LIST_SECONDS, []))
            if time.monotonic() - asked < LIST_SECONDS:
                return agents
            try:
                agents = agents_of(url, await listed_by(url))
            except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
                log.warning("agents: the gateway does not list its agents (%s)", type(error).__name__)
            self.known = {url: (time.monotonic(), agents)}
            return agents


gateway_list = GatewayList()


async def whole_menu(valves: Any) -> Menu:
    """Return the agents of the valve and, behind them, those of the gateway."""
    menu = menu_of(valves.agents)
    if not valves.gateway_url.strip():
        return menu
    listed = await gateway_list.agents(valves.gateway_url.strip().rstrip("/"))
    others = {agent.id: agent for agent in listed if agent.id not in (MISTAKE_ID, *menu.agents)}
    return menu._replace(agents=menu.agents | others)
