"""Runs inside .venv-open-webui: what host_main.py does, and turns of a pipe with a person, tools and a stop button."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from open_webui import functions
from open_webui.models.models import ModelForm, Models
from open_webui.models.users import Users
from open_webui.retrieval.web import utils as web
from open_webui.utils.plugin import get_function_module_from_cache

from tests.fixtures import plugin_host_main as base
from tests.pipes import host_main

Json = dict[str, Any]

dialogs: list[Json] = []
used: list[Json] = []


async def local_pages(allowed: bool) -> None:
    """ENABLE_LOCAL_WEB_FETCH, which Open WebUI reads when it starts."""
    web.ENABLE_LOCAL_WEB_FETCH = allowed


async def publish(id: str) -> None:
    """The model is there for everybody."""
    grants = [{"principal_type": "user", "principal_id": "*", "permission": "read"}]
    form = ModelForm(id=id, name=id, meta={}, params={}, access_grants=grants)
    await Models.insert_new_model(form, "owner")


async def unpublish(id: str) -> None:
    await Models.delete_model_by_id(id)


async def turn(
    model: str,
    user: Json,
    messages: list[Json],
    stream: bool = True,
    metadata: Json | None = None,
    headers: Json | None = None,
    tools: list[Json] | None = None,
    dialog: Any = None,
    stop_when: str | None = None,
) -> Json:
    """A turn as the chat route has it.

    `dialog`: what the person answers when asked for something; "…" answers nothing. `tools`: name, argument, and
    answers by query. `stop_when`: a file; the stop button is pressed when it is there.
    """
    events: list[Json] = []
    dialogs.clear()
    used.clear()

    async def emitter(metadata: Json, update_db: bool = True) -> Any:
        async def emit(event: Json) -> None:
            events.append(event)

        return emit

    async def caller(metadata: Json) -> Any:
        async def call(event: Json) -> Any:
            dialogs.append(event)
            if dialog == "…":
                await asyncio.sleep(3600)
            return dialog

        return call

    functions.get_event_emitter, functions.get_event_call = emitter, caller
    ids: Json = {"session_id": "s", "chat_id": "local:1", "message_id": "m1", "user_id": user["id"]}
    form = {
        "model": model,
        "messages": messages,
        "stream": stream,
        "metadata": {**ids, "tools": tools_of(tools or []), **(metadata or {})},
    }
    asker = await Users.get_user_by_id(user["id"])
    request = base.request_for(headers or {}, {}, {})
    chunks: list[Json] = []
    task = asyncio.create_task(host_main.read(request, form, asker, chunks, keep=True))
    if stop_when is not None:
        presser = asyncio.create_task(asyncio.to_thread(wait_for, Path(stop_when)))
        await asyncio.wait({task, presser}, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
    [ended] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended
    return {"chunks": chunks, "events": events, "dialogs": dialogs, "used": used}


def wait_for(path: Path) -> None:
    for _ in range(6_000):
        if path.exists():
            return
        time.sleep(0.02)


def tools_of(rows: list[Json]) -> Json:
    return {row["name"]: tool_of(row) for row in rows}


def tool_of(row: Json) -> Json:
    name, argument = row["name"], row["argument"]

    async def tool(**arguments: Any) -> Any:
        used.append({"name": name, **arguments})
        await asyncio.sleep(row.get("seconds", 0))
        if "fails" in row:
            raise RuntimeError(row["fails"])
        answers = row["answers"]
        return answers.get(arguments[argument], answers.get("*")) if isinstance(answers, dict) else answers

    parameters = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    spec = {"name": name, "description": row.get("description", ""), "parameters": parameters}
    return {"tool_id": name, "callable": tool, "spec": spec, "type": row.get("type", "mcp")}


async def pure(name: str, calls: list[list[Any]]) -> list[Any]:
    """What a pure function of the pipe makes of each list of arguments; lists become sets where one is wanted."""
    await get_function_module_from_cache(base.request_for({}, {}, {}), "research")
    module = sys.modules["function_research"]
    return [getattr(module, name)(*(set(one) if isinstance(one, list) else one for one in call)) for call in calls]


OPERATIONS: tuple[Any, ...] = (local_pages, publish, unpublish, turn, pure)
base.OPERATIONS |= {operation.__name__: operation for operation in OPERATIONS}

if __name__ == "__main__":
    asyncio.run(base.main())
