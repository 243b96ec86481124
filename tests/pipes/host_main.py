"""Runs inside .venv-open-webui: what plugin_host_main.py does, and pipes through Open WebUI's own functions.py.

As there, a request is a JSON line {"op": name, ...arguments}; the answer is {"result": …} or {"error": text}.
"""

import asyncio
import json
import sys
import time
import tracemalloc
from typing import Any

from open_webui import functions
from open_webui.models.users import Users
from open_webui.utils.plugin import get_function_module_from_cache
from starlette.requests import Request
from starlette.responses import StreamingResponse

from tests.fixtures import plugin_host_main as base

Json = dict[str, Any]

events: list[Json] = []


async def recording_emitter(metadata: Json, update_db: bool = True) -> Any:
    async def emit(event: Json) -> None:
        events.append(event)

    return emit


functions.get_event_emitter = recording_emitter


async def menu() -> Json:
    """The model list's part that comes from functions, and how long it took."""
    request = base.request_for({}, {}, {})
    started = time.perf_counter()
    models = await functions.get_function_models(request)
    return {"models": models, "seconds": time.perf_counter() - started}


async def answer(
    model: str,
    user: Json,
    messages: list[Json],
    stream: bool = True,
    metadata: Json | None = None,
    stop_after: float | None = None,
    body: Json | None = None,
    measured: bool = False,
) -> Json:
    """A turn as the chat route has it. `stop_after`: seconds until its task is cancelled, as the stop button does."""
    events.clear()
    asker = await Users.get_user_by_id(user["id"])
    ids = {"session_id": "s", "chat_id": "local:1", "message_id": "m1", "user_id": user["id"]}
    form = {
        "model": model,
        "messages": messages,
        "stream": stream,
        "metadata": {**ids, **(metadata or {})},
        **(body or {}),
    }
    chunks: list[Json] = []
    if measured:
        tracemalloc.start()
    task = asyncio.create_task(read(base.request_for({}, {}, {}), form, asker, chunks, keep=not measured))
    stopped = 0.0
    if stop_after is not None:
        await asyncio.sleep(stop_after)
        stopped = time.monotonic()
        task.cancel()
    [ended] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended
    peak = tracemalloc.get_traced_memory()[1] if measured else 0
    tracemalloc.stop()
    return {"chunks": chunks, "events": events, "stopped": stopped, "peak": peak}


async def read(request: Request, form: Json, user: Any, chunks: list[Json], keep: bool) -> None:
    response = await functions.generate_function_chat_completion(request, form, user=user)
    if not isinstance(response, StreamingResponse):
        chunks.append(response)
        return
    async for line in response.body_iterator:
        data = str(line).removeprefix("data: ").strip()
        if data != "[DONE]" and (keep or "error" in data[:20]):
            chunks.append(json.loads(data))


async def extract(values: list[Any]) -> list[list[list[Any]]]:
    """What the pure readers make of JSON values."""
    await get_function_module_from_cache(base.request_for({}, {}, {}), "agents")
    module = sys.modules["function_agents"]
    return [[[piece.kind, str(piece.value)] for piece in module.pieces_of(value)] for value in values]


OPERATIONS: tuple[Any, ...] = (menu, answer, extract)
base.OPERATIONS |= {operation.__name__: operation for operation in OPERATIONS}

if __name__ == "__main__":
    asyncio.run(base.main())
