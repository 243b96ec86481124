"""The pipe."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from pydantic import BaseModel

from plugins.research.beginning import begun
from plugins.research.budget import spent_line
from plugins.research.run import Run
from plugins.research.turn import Turn
from plugins.research.working import worked
from plugins.shared.log import log
from plugins.shared.models import usage_of
from plugins.shared.tasks import task_answer
from plugins.shared.trouble import Trouble
from plugins.shared.turn import chunk_of, completion_of
from plugins.shared.types import Caller, Emitter, Json
from plugins.shared.valve import valve


async def relay(turn: Turn, valves: Any, choice: Any) -> AsyncGenerator[Json, None]:
    """Yield the report's deltas and its usage; or trouble, as a sentence. Leaving early ends the run."""
    run: Run | None = None
    worker: asyncio.Task[None] | None = None
    end = "stopped"
    try:
        run = await begun(turn, valves, choice)
        await turn.say(turn.text["planning"], done=False)
        worker = asyncio.create_task(worked(run))
        while (piece := await turn.pieces.get()) is not None:
            yield piece
        end = "ended"
        yield {"choices": [], "usage": usage_of(run.budget.spent)}
    except Trouble as trouble:
        yield {"error": {"message": turn.text[trouble.key].format(**trouble.said)}}
    except Exception:
        log.exception("research")
        yield {"error": {"message": turn.text["broken"]}}
    finally:
        if worker:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        if run:
            await turn.say(turn.text[end].format(spent=spent_line(turn.text, run.budget.spent)), done=True)


async def streamed(turn: Turn, valves: Any, choice: Any) -> AsyncGenerator[Json, None]:
    async with aclosing(relay(turn, valves, choice)) as pieces:
        async for piece in pieces:
            yield piece if piece.keys() & {"error", "usage"} else chunk_of(turn, piece)


async def collected(turn: Turn, valves: Any, choice: Any) -> Json:
    """Return the report in one piece, as chat.completion; only `error` where there is trouble and no report."""
    content: list[str] = []
    message: Json = {"role": "assistant"}
    rest: Json = {}
    async with aclosing(relay(turn, valves, choice)) as pieces:
        async for piece in pieces:
            if "error" in piece:
                return {"error": piece["error"]}
            content.append(piece.get("content", ""))
            message |= {key: value for key, value in piece.items() if key == "annotations"}
            rest |= {key: value for key, value in piece.items() if key == "usage"}
    message["content"] = "".join(content)
    return completion_of(turn, message, **rest)


class Pipe:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        model: str = valve("", "valves.model")
        small_model: str = valve("", "valves.small_model")
        searches_at_once: int = valve(4, "valves.searches_at_once", ge=1, le=16)
        max_calls: int = valve(40, "valves.max_calls", ge=0)
        max_tokens: int = valve(400_000, "valves.max_tokens", ge=0)
        max_minutes: float = valve(15.0, "valves.max_minutes", ge=0)
        max_usd: float = valve(0.0, "valves.max_usd", ge=0)
        max_pages: int = valve(24, "valves.max_pages", ge=1, le=100)
        ask_for_plan: bool = valve(True, "valves.ask_for_plan")
        plan_seconds: float = valve(45.0, "valves.plan_seconds", gt=0, le=600)
        web: bool = valve(True, "valves.web")
        documents: bool = valve(True, "valves.documents")
        tools: bool = valve(True, "valves.tools")
        longest_question: int = valve(20_000, "valves.longest_question", ge=1)
        page_characters: int = valve(24_000, "valves.page_characters", ge=1_000, le=400_000)

    class UserValves(BaseModel):
        depth: Literal["short", "normal", "thorough"] = valve("normal", "user_valves.depth")
        language: Literal["asked", "ja", "en"] = valve("asked", "user_valves.language")
        review_plan: bool = valve(True, "user_valves.review_plan")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def pipe(
        self,
        body: Json,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
        __task__: str | None = None,
        __task_body__: Json | None = None,
        __tools__: Json | None = None,
    ) -> Any:
        """Return text for a task; else chunks of OpenAI's chat API, or one object if no stream was asked for."""
        valves = self.valves
        if __task__:
            return task_answer(str(__task__), __task_body__ or {}, body)
        choice = __user__.get("valves")
        choice = choice if isinstance(choice, self.UserValves) else self.UserValves()
        turn = Turn(body, __user__, __metadata__, __request__, __event_emitter__, __event_call__, __tools__ or {})
        return streamed(turn, valves, choice) if body.get("stream") else await collected(turn, valves, choice)
