"""The pipe: the menu of agents, and their answers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from pydantic import BaseModel

from plugins.agents.answer import Answer
from plugins.agents.gateway_list import whole_menu
from plugins.agents.manifest import MISTAKE_ID, MISTAKE_NAME
from plugins.agents.relay import relay
from plugins.agents.turn import Turn
from plugins.shared.tasks import task_answer
from plugins.shared.turn import chunk_of, completion_of
from plugins.shared.types import Emitter, Json
from plugins.shared.valve import valve


async def streamed(turn: Turn) -> AsyncGenerator[Json, None]:
    answer = Answer(turn.in_chat)
    async with aclosing(relay(turn)) as pieces:
        async for piece in pieces:
            for kind, value in answer.take(piece):
                if kind == "chunk":
                    yield chunk_of(turn, value)
                elif kind == "line":
                    yield value
                else:
                    await turn.emit(kind, value)
    for _, delta in answer.tail():
        yield chunk_of(turn, delta)
    for line in answer.rest():
        yield line


async def collected(turn: Turn) -> Json:
    """Return the answer in one piece, as chat.completion; only `error` where there is trouble and nothing else."""
    answer = Answer(turn.in_chat)
    said: dict[str, list[str]] = {"content": [], "reasoning_content": []}
    listed_too: dict[str, list[Json]] = {"annotations": [], "images": []}
    trouble = ""
    async with aclosing(relay(turn)) as pieces:
        async for piece in pieces:
            trouble = piece.value if piece.kind == "trouble" else trouble
            for kind, value in answer.take(piece):
                if kind == "chunk":
                    for key in said.keys() & value.keys():
                        said[key].append(value[key])
                    for key in listed_too.keys() & value.keys():
                        listed_too[key] += value[key]
                elif kind != "line":
                    await turn.emit(kind, value)
    said["content"].append(answer.marks.flush())
    content, thought = ("".join(said[key]) for key in ("content", "reasoning_content"))
    if trouble and not content:
        return {"error": {"message": trouble}}
    optional = {"reasoning_content": thought, **listed_too}
    message = {
        "role": "assistant",
        "content": f"{content}\n\n{trouble}" if trouble else content,
        **{key: value for key, value in optional.items() if value},
    }
    return completion_of(turn, message, **({"usage": answer.usage} if answer.usage else {}))


class Pipe:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        agents: str = valve("[]", "valves.agents", json_schema_extra={"input": {"type": "textarea"}})
        keys: str = valve("", "valves.keys", json_schema_extra={"input": {"type": "password"}})
        gateway_url: str = valve("", "valves.gateway_url")
        identity_secret: str = valve("", "valves.identity_secret", json_schema_extra={"input": {"type": "password"}})
        share: Literal["id", "id_and_email", "all"] = valve("all", "valves.share")
        lifetime_seconds: int = valve(300, "valves.lifetime_seconds", ge=10, le=3600)
        public_only: bool = valve(False, "valves.public_only")
        longest_question: int = valve(100_000, "valves.longest_question", ge=1)
        file_megabytes: float = valve(20.0, "valves.file_megabytes", gt=0, le=200)
        heartbeat_seconds: float = valve(10.0, "valves.heartbeat_seconds", ge=0.1, le=3600)

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def pipes(self) -> list[dict[str, str]]:
        menu = await whole_menu(self.valves)
        agents = [{"id": agent.id, "name": f"{agent.icon} {agent.name}".strip()} for agent in menu.agents.values()]
        return agents + ([{"id": MISTAKE_ID, "name": MISTAKE_NAME}] if menu.mistakes else [])

    async def pipe(
        self,
        body: Json,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __files__: list[Json] | None = None,
        __event_emitter__: Emitter | None = None,
        __task__: str | None = None,
        __task_body__: Json | None = None,
    ) -> Any:
        """Return text for a task; else chunks of OpenAI's chat API, or one object if no stream was asked for."""
        valves = self.valves
        if __task__:
            return task_answer(str(__task__), __task_body__ or {}, body)
        turn = Turn(body, __user__, __metadata__, __request__, __event_emitter__, __files__ or [], valves)
        return streamed(turn) if body.get("stream") else await collected(turn)
