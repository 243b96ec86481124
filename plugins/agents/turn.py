"""The turn, and the agent that answers it."""

from dataclasses import dataclass
from typing import Any

from plugins.agents.gateway_list import whole_menu
from plugins.agents.manifest import MISTAKE_ID, Agent
from plugins.shared.groups import groups_of
from plugins.shared.trouble import Trouble
from plugins.shared.turn import ChatTurn
from plugins.shared.types import Json


@dataclass
class Turn(ChatTurn):
    files: list[Json]
    valves: Any
    status: str = ""
    """The last status, while it says that something goes on."""

    @property
    def agent_id(self) -> str:
        return str(self.body.get("model") or "").partition(".")[2]

    async def say(self, description: str, done: bool) -> None:
        """Show a status line."""
        self.status = "" if done else description
        await self.emit("status", {"description": description, "done": done})


async def chosen(turn: Turn) -> Agent:
    """Return the agent that was chosen. Raises Trouble if this person or question may not go on."""
    menu = await whole_menu(turn.valves)
    if turn.agent_id == MISTAKE_ID:
        raise Trouble("mistake", detail="; ".join(menu.mistakes) if turn.user.get("role") == "admin" else "…")
    agent = menu.agents.get(turn.agent_id)
    if agent is None:
        raise Trouble("unknown")
    if agent.groups and turn.user.get("role") != "admin":
        mine = await groups_of(turn.user.get("id", ""))
        if not mine.keys() & set(agent.groups) and not set(mine.values()) & set(agent.groups):
            raise Trouble("not_allowed", name=agent.name)
    length, limit = len(turn.typed_question()), turn.valves.longest_question
    if length > limit:
        raise Trouble("too_long", name=agent.name, length=f"{length:,}", limit=f"{limit:,}")
    return agent
