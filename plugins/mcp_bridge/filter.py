"""The filter: what Open WebUI leaves out of tools that speak MCP."""

from typing import Any

from pydantic import BaseModel

from plugins.mcp_bridge.bridge import bridge
from plugins.mcp_bridge.progress import ACTION
from plugins.mcp_bridge.texts import TEXT
from plugins.shared.json_values import dict_of, items
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.status_line import show
from plugins.shared.stored_files import stored
from plugins.shared.tool_servers_away import away
from plugins.shared.types import Emitter
from plugins.shared.valve import valve

SERVER = "server:mcp:"  # before the id of a tool server that a chat uses
HUB_NAME = "sekisho"
MOST_CHATS = 10_000  # that are remembered
TOLD = "sekisho_tools_told"  # in __metadata__: tool servers that were said to be away


class Filter:
    class Valves(BaseModel):
        priority: int = valve(90, "valves.priority")
        logs: bool = valve(True, "valves.logs")
        pages: bool = valve(True, "valves.pages")

    def __init__(self) -> None:
        self.valves = self.Valves()
        self._chats: set[str] = set()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __request__: Any,
        __user__: dict[str, Any],
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Bridge the tools of this turn, before each call of the model; change nothing of the request."""
        valves = self.valves
        if __event_emitter__:
            language = user_language(__metadata__, __request__)
            text = TEXT[language]

            async def keep(raw: bytes, kind: str, name: str) -> tuple[str, str]:
                return await stored(raw, kind, name, __user__["id"], __request__, __metadata__)

            for entry in dict_of(__metadata__.get("tools")).values():
                if dict_of(entry).get("type") == "mcp":
                    given = {
                        "text": text,
                        "logs": valves.logs,
                        "pages": valves.pages,
                        "keep": keep,
                        "language": language,
                    }
                    bridge(entry.get("client"), emitter=__event_emitter__, **given)
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
        await self._tell_missing(metadata, emitter, text)

    async def _tell_missing(self, metadata: dict[str, Any], emitter: Emitter, text: dict[str, str]) -> None:
        """Say once a chat which servers behind the hub do not answer, so that their tools are not there."""
        chat = str(metadata.get("chat_id") or "")
        if not self._is_new(chat):
            return
        missing = {name for each in dict_of(metadata.get("mcp_clients")).values() for name in await missing_of(each)}
        if missing:
            names = text["between"].join(sorted(missing))
            await show(emitter, text["away"].format(servers=names), True, ACTION)

    def _is_new(self, chat: str) -> bool:
        """Return whether nothing was told to this chat, and note that now it is."""
        if not chat or chat in self._chats:
            return False
        if len(self._chats) >= MOST_CHATS:
            self._chats.clear()
        self._chats.add(chat)
        return True


async def missing_of(native: Any) -> list[str]:
    """Return the servers that do not answer behind the hub, empty for a connection to something else."""
    client: Any = getattr(native, "client", None)
    if getattr(getattr(client, "server_info", None), "name", "") != HUB_NAME:
        return []
    try:
        page = (await client.list_prompts()).model_dump(mode="json", by_alias=True)  # the shortest of its lists
    except Exception as error:
        log.info("mcp_bridge: what is missing is not known (%s)", type(error).__name__)
        return []
    return away(page)[0]
