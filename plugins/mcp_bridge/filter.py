"""The filter: what Open WebUI leaves out of tools that speak MCP."""

from typing import Any

from pydantic import BaseModel

from plugins.mcp_bridge.bridge import bridge
from plugins.mcp_bridge.progress import ACTION
from plugins.mcp_bridge.texts import TEXT
from plugins.shared.json_values import dict_of, items
from plugins.shared.language import user_language
from plugins.shared.status_line import show
from plugins.shared.types import Emitter
from plugins.shared.valve import valve

SERVER = "server:mcp:"  # before the id of a tool server that a chat uses
TOLD = "sekisho_tools_told"  # in __metadata__: tool servers that were said to be away


class Filter:
    class Valves(BaseModel):
        priority: int = valve(90, "valves.priority")
        logs: bool = valve(True, "valves.logs")
        pages: bool = valve(True, "valves.pages")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Bridge the tools of this turn, before each call of the model; change nothing of the request."""
        valves = self.valves
        if __event_emitter__:
            text = TEXT[user_language(__metadata__, __request__)]
            for entry in dict_of(__metadata__.get("tools")).values():
                if dict_of(entry).get("type") == "mcp":
                    bridge(entry.get("client"), __event_emitter__, text, valves.logs, valves.pages)
            await self._tell_away(__metadata__, __event_emitter__, text)
        return body

    async def _tell_away(self, metadata: dict[str, Any], emitter: Emitter, text: dict[str, str]) -> None:
        """Say once a turn which tool servers did not answer when it began."""
        told = metadata.setdefault(TOLD, [])
        chosen = [id.removeprefix(SERVER) for id in items(metadata.get("tool_ids")) if str(id).startswith(SERVER)]
        for server in chosen:
            if server not in told and server not in dict_of(metadata.get("mcp_clients")):
                told.append(server)
                await show(emitter, text["not_connected"].format(server=server), True, ACTION)
