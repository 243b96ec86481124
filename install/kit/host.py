"""Runs inside an environment of Open WebUI: the real package without its web server, driven by JSON lines.

This file is handed to that environment's Python as it is (`python -P host.py`), so it imports nothing of ours.
A request is {"op": name, ...arguments}; the answer is {"result": …} or {"error": text}. What Open WebUI prints goes
to stderr.
"""

import asyncio
import inspect
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from open_webui import functions
from open_webui.models.config import Config
from open_webui.models.files import FileForm, Files
from open_webui.models.functions import FunctionForm, FunctionMeta, Functions
from open_webui.models.models import ModelForm, Models
from open_webui.models.tools import ToolForm, Tools
from open_webui.models.users import Users
from open_webui.utils import actions
from open_webui.utils.filter import get_filter_context, get_filter_functions, process_filter_functions
from open_webui.utils.models import get_all_models
from open_webui.utils.plugin import load_function_module_by_id, load_tool_module_by_id, replace_imports
from open_webui.utils.tools import get_tool_specs, get_tools
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse

Json = dict[str, Any]

READY = "plugin host is ready"
EVERYONE = [{"principal_type": "user", "principal_id": "*", "permission": "read"}]
LONGEST_TURN = 120.0  # seconds
PIECE = 12  # characters of an answer in one chunk
DISCONNECTED = {"error": "Client session disconnected."}  # as Open WebUI says it where no browser is

app = Starlette()
app.state.MODELS, app.state.BASE_MODELS, app.state.OPENAI_MODELS, app.state.redis = {}, [], {}, None


class Recorder:
    """The person's page: events come in, `browser` is what it answers when it is asked."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.browser: Any = None

    async def emit(self, event: Json) -> None:
        self.events.append(event)

    async def call(self, event: Json) -> Any:
        self.events.append(event)
        return DISCONNECTED if self.browser is None else self.browser


page = Recorder()


async def _emitter(*_: Any, **__: Any) -> Any:
    return page.emit


async def _caller(*_: Any, **__: Any) -> Any:
    return page.call


for module in (functions, actions):
    module.get_event_emitter, module.get_event_call = _emitter, _caller


# Setting up


async def load(kind: str, id: str, content: str) -> Json:
    """Install a plugin as POST /functions/create or /tools/create does: active, everywhere."""
    content = replace_imports(content)
    return await (_load_tool(id, content) if kind == "tool" else _load_function(id, content))


async def _load_function(id: str, content: str) -> Json:
    instance, kind, frontmatter, source = await load_function_module_by_id(id, content=content)
    toggle = kind == "filter" and bool(getattr(instance, "toggle", False))
    form = FunctionForm(id=id, name=id, content=content, meta=FunctionMeta(manifest=frontmatter, toggle=toggle))
    await Functions.delete_function_by_id(id)
    await Functions.insert_new_function("owner", kind, form, module=instance)
    await Functions.update_function_by_id(id, {"is_active": True, "is_global": True})
    return {"kind": kind, "menu": await _menu(instance) if kind == "pipe" else [], **_about(instance, source)}


async def _load_tool(id: str, content: str) -> Json:
    instance, frontmatter, source = await load_tool_module_by_id(id, content=content)
    specs = get_tool_specs(instance)
    form = ToolForm(id=id, name=id, content=content, meta={"manifest": frontmatter}, access_grants=EVERYONE)
    await Tools.delete_tool_by_id(id)
    await Tools.insert_new_tool("owner", form, specs, module=instance)
    return {"kind": "tool", "menu": [spec["name"] for spec in specs], **_about(instance, source)}


def _about(instance: Any, source: Any) -> Json:
    """Return what Open WebUI's pages show of it."""
    classes = {name: getattr(instance, name, None) for name in ("Valves", "UserValves")}
    schemas = {name: valves.model_json_schema() for name, valves in classes.items() if valves}
    return {"schemas": schemas, "i18n": getattr(source, "I18N", None)}


async def _menu(instance: Any) -> list[str]:
    """Return ids of what a pipe adds to the model menu, besides itself."""
    pipes = getattr(instance, "pipes", None)
    found = pipes() if callable(pipes) else pipes
    found = await found if inspect.isawaitable(found) else found
    return [str(each["id"]) for each in found or []]


async def connect(url: str, models: list[str]) -> None:
    """Add a connection whose models everybody may use."""
    connection = {"openai.enable": True, "openai.api_base_urls": [url], "openai.api_keys": ["sk-recorded"]}
    await Config.upsert(
        {**connection, "openai.api_configs": {}, "ollama.enable": False, "evaluation.arena.enable": False}
    )
    for id in models:
        if not await Models.get_model_by_id(id):
            await Models.insert_new_model(
                ModelForm(id=id, name=id, meta={}, params={}, access_grants=EVERYONE), "owner"
            )


async def person(name: str, role: str) -> str:
    id = str(uuid.uuid4())
    await Users.insert_new_user(id, name, f"{id[:8]}@example.com", role=role)
    return id


async def settings(kind: str, id: str, values: Json, user_id: str, user_values: Json) -> None:
    """Store the valves of the administrator and the person; no other function is active."""
    for function in await Functions.get_functions():
        await Functions.update_function_by_id(function.id, {"is_active": function.id == id})
    owner = Tools if kind == "tool" else Functions
    write = owner.update_tool_valves_by_id if kind == "tool" else owner.update_function_valves_by_id
    await write(id, values)
    if user_values:
        await owner.update_user_valves_by_id_and_user_id(id, user_id, user_values)


async def file(user_id: str, name: str, text: str) -> Json:
    """Store an attached file that Open WebUI has read; return the item of the request."""
    id = str(uuid.uuid4())
    data = {"content": text, "status": "completed"}
    await Files.insert_new_file(user_id, FileForm(id=id, filename=name, path="", data=data, meta={"name": name}))
    return {"type": "file", "id": id, "url": id, "name": name, "file": {"id": id, "filename": name, "data": data}}


# Turns


async def turn(kind: str, browser: Any = None, stop_after_ms: float | None = None, **asked: Any) -> Json:
    """Play one turn of a conversation; return `{text, thinking, events, error, sent, ms}`."""
    page.events, page.browser = [], browser
    said: Json = {"text": "", "thinking": "", "error": None, "sent": None}
    started = time.perf_counter()
    task = asyncio.ensure_future(TURNS[kind](said=said, **asked))
    done, _ = await asyncio.wait({task}, timeout=LONGEST_TURN if stop_after_ms is None else stop_after_ms / 1000)
    if not done:
        task.cancel()  # as the stop button does
        said["error"] = f"no end within {LONGEST_TURN:.0f} s" if stop_after_ms is None else None
    for ended in await asyncio.gather(task, return_exceptions=True):
        if isinstance(ended, Exception):
            said["error"] = str(ended) or type(ended).__name__
    return {**said, "events": page.events, "stopped": not done, "ms": (time.perf_counter() - started) * 1000}


async def pipe(said: Json, id: str, model: str, user_id: str, language: str, messages: list[Json], **more: Any) -> None:
    """Run a pipe through Open WebUI's own functions.py, read as its middleware reads a stream."""
    request, user = await _request(language, user_id)
    metadata = _metadata(user_id, language, more)
    form = {"model": model, "messages": messages, "stream": True, "metadata": metadata}
    request.state.metadata = metadata
    response = await functions.generate_function_chat_completion(request, form, user=user)
    if not isinstance(response, StreamingResponse):
        _read_chunk(response, said)
        return
    async for chunk in _chunks(response.body_iterator):
        _read_chunk(chunk, said)


async def filter(
    said: Json, id: str, model: str, user_id: str, language: str, messages: list[Json], assistant: str, **more: Any
) -> None:
    """Run the inlet, the request hook, the model's answer in pieces through the stream hook, and the outlet."""
    request, user = await _request(language, user_id)
    metadata = _metadata(user_id, language, more)
    extra = {**_given(request, user, metadata, model), "__features__": {}}
    found = await get_filter_functions(request, {"id": model}, [id])

    async def run(hook: str, body: Json) -> Any:
        return (await process_filter_functions(request, get_filter_context(request), found, hook, body, extra))[0]

    body = {"model": model, "messages": messages, "files": more.get("files") or [], "metadata": metadata}
    body = await run("request", await run("inlet", body))
    said["sent"] = {key: value for key, value in body.items() if key != "metadata"}
    for start in range(0, len(assistant), PIECE):
        delta = {"content": assistant[start : start + PIECE]}
        _read_chunk(await run("stream", {"choices": [{"index": 0, "delta": delta}]}) or {}, said)
    answer = {"id": "m1", "role": "assistant", "content": said["text"]}
    ended = await run("outlet", {"model": model, "messages": [*messages, answer], "chat_id": "local:1", "id": "m1"})
    said["text"] = ended["messages"][-1]["content"]


async def action(
    said: Json, id: str, model: str, user_id: str, language: str, messages: list[Json], assistant: str, **more: Any
) -> None:
    """Press the action's button below `assistant`."""
    request, user = await _request(language, user_id)
    app.state.MODELS = {**app.state.MODELS, model: {"id": model, "name": model, "actions": [{"id": id}]}}
    answer = {"id": "m1", "role": "assistant", "content": assistant}
    form = {"model": model, "messages": [*messages, answer], "chat_id": "local:1", "id": "m1", "session_id": "s"}
    result = await actions.chat_action(request, id, form, user)
    said["text"] = (
        result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str) if result else ""
    )


async def tool(
    said: Json, id: str, model: str, user_id: str, language: str, messages: list[Json], tool: str, arguments: Json,
    **more: Any,
) -> None:  # fmt: skip
    """Call a tool as a model does."""
    request, user = await _request(language, user_id)
    metadata = _metadata(user_id, language, more)
    extra = {**_given(request, user, metadata, model), "__messages__": messages, "__files__": metadata["files"]}
    tools = await get_tools(request, [id], user, extra)
    if tool not in tools:
        raise ValueError(f"there is no tool {tool}; there are: {', '.join(sorted(tools))}")
    result = await tools[tool]["callable"](**arguments)
    said["sent"] = tools[tool]["spec"]
    said["text"] = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)


TURNS: dict[str, Callable[..., Awaitable[None]]] = {"pipe": pipe, "filter": filter, "action": action, "tool": tool}


async def _request(language: str, user_id: str) -> tuple[Request, Any]:
    headers = [(b"accept-language", language.encode())]
    scope = {"type": "http", "app": app, "headers": headers, "method": "POST", "path": "/", "query_string": b""}
    request, user = Request(scope), await Users.get_user_by_id(user_id)
    app.state.MODELS = {model["id"]: model for model in await get_all_models(request, refresh=True, user=user)}
    return request, user


def _metadata(user_id: str, language: str, more: Json) -> Json:
    ids = {"user_id": user_id, "session_id": "s", "chat_id": "local:1", "message_id": "m1"}
    variables = {"{{USER_LANGUAGE}}": {"ja": "ja-JP", "en": "en-US"}.get(language, language)}
    found = {**ids, "files": more.get("files") or [], "variables": variables, "params": {}, "features": {}}
    return {**found, "task": more["task"], "task_body": {}} if more.get("task") else found


def _given(request: Request, user: Any, metadata: Json, model: str) -> Json:
    """Return what filters and tools may ask for."""
    return {
        "__event_emitter__": page.emit,
        "__event_call__": page.call,
        "__user__": user.model_dump(),
        "__metadata__": metadata,
        "__request__": request,
        "__model__": {"id": model},
        "__oauth_token__": None,
        "__chat_id__": metadata["chat_id"],
        "__message_id__": metadata["message_id"],
    }


async def _chunks(stream: Any) -> AsyncIterator[Json]:
    async for part in stream:
        text = part.decode() if isinstance(part, bytes) else str(part)
        for line in text.splitlines():
            data = line.removeprefix("data:").strip()
            if line.startswith("data:") and data != "[DONE]":
                yield json.loads(data)


def _read_chunk(chunk: Any, said: Json) -> None:
    if not isinstance(chunk, dict):
        said["text"] += str(chunk)
        return
    if error := chunk.get("error"):
        said["error"] = error.get("detail") or error.get("message") or str(error) if isinstance(error, dict) else error
    if isinstance(chunk.get("event"), dict):
        page.events.append(chunk["event"])
    for choice in chunk.get("choices") or []:
        delta = choice.get("delta") or choice.get("message") or {}
        said["text"] += delta.get("content") or ""
        said["thinking"] += delta.get("reasoning_content") or ""


OPERATIONS = {each.__name__: each for each in (load, connect, person, settings, file, turn)}


async def main() -> None:
    # The answers have a channel of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)
    print(READY, file=answers, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        try:
            answer = {"result": await OPERATIONS[asked.pop("op")](**asked)}
        except Exception as error:
            said = (str(error).strip().splitlines() or [""])[0]
            answer = {"error": f"{type(error).__name__}: {said}"}
        print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
