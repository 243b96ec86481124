"""For each tool the set-up with address, models and, while it can be shown, the person's new key."""

from pathlib import Path, PurePosixPath
from typing import Any

from starlette.responses import Response

from gateway.console.once import done_once, new_once, result_of
from gateway.console.page import Page
from gateway.console.refusals import PageError, words_of
from gateway.console.visit import Visit
from gateway.errors import ApiError
from gateway.presets.model import cheapest
from gateway.secret import Secret
from gateway.sessions.cookies import address_of
from install.client.asking import prices_of
from install.client.documents import FORMATS, fresh
from install.client.setup import OWN_KEY, Model, Places, Setup
from install.client.tool import Tool
from install.client.tools import BY_NAME, TOOLS
from install.wording import speak

_CONVERSING = ("chat", "agent")
_HOME = Path("~")
PLACES = Places(
    home=_HOME,
    config=_HOME / ".config",
    code=_HOME / ".config" / "Code" / "User",
    claude=_HOME / ".claude",
    codex=_HOME / ".codex",
    here=Path("."),
)
"""Where tools look on a person's own machine, as Linux has it."""


async def show_tools(visit: Visit) -> Response:
    return visit.render("person/tools.html", tools=TOOLS, root=_root(visit))


async def show_tool(visit: Visit) -> Response:
    return await _tool_page(visit, _tool(visit))


async def make_key_for_tool(visit: Visit) -> Response:
    """Make a key for a tool, and show the set-up with it."""
    tool = _tool(visit)
    try:
        done = await done_once(visit, lambda: _made(visit, tool))
    except ApiError as error:
        return await _tool_page(visit, tool, error.status, words_of(error, visit.language))
    return visit.redirect(f"/console/tools/{tool.name}", done=done)


async def _made(visit: Visit, tool: Tool) -> Any:
    """Make a key under the tool's name, or the next one that is free."""
    taken = {key["alias"] for key in (await visit.ask("GET", "/v1/me/keys"))["data"]}
    numbered = (tool.name if count == 1 else f"{tool.name}-{count}" for count in range(1, len(taken) + 2))
    alias = next(name for name in numbered if name not in taken)
    return await visit.ask("POST", "/v1/me/keys", json={"alias": alias, "purpose": tool.title})


async def _tool_page(visit: Visit, tool: Tool, status: int = 200, problem: str | None = None) -> Response:
    made = await result_of(visit, visit.query.get("done"))
    secret = Secret(made["key"]) if isinstance(made, dict) and made.get("key") else Secret(OWN_KEY)
    speak(visit.language)
    setup = await _setup(visit, secret)
    return visit.render(
        "person/tool.html",
        status,
        tool=tool,
        root=_root(visit),
        made=made,
        problem=problem,
        once=new_once(),
        setup=setup,
        files=[(_shown(each.path), fresh(FORMATS[each.format], each.content)) for each in tool.files(setup)]
        if setup
        else [],
        variables=dict(tool.variables(setup)) if setup else {},
        steps=list(tool.steps(setup)) if setup else [],
    )


async def _setup(visit: Visit, secret: Secret) -> Setup | None:
    """Return what a configuration is written from; None where the person may use no model for conversations."""
    listed = (await visit.ask("GET", "/v1/me"))["models"]
    models = [Model(each["id"], each["mode"], each["context_window"], each["max_output_tokens"]) for each in listed]
    main = next((model for model in models if model.mode in _CONVERSING), None)
    if main is None:
        return None
    completion = next((model for model in models if model.mode == "completion"), None)
    small = cheapest(models, prices_of(listed, main.id), main)
    return Setup(_root(visit), secret, main, small, PLACES, completion, models)


def _root(visit: Visit) -> str:
    return address_of(visit.runtime.current.config, visit.request.scope)


def _shown(path: Path) -> str:
    return str(PurePosixPath(path))


def _tool(visit: Visit) -> Tool:
    tool = BY_NAME.get(str(visit.request.path_params["name"]))
    if tool is None:
        raise PageError(404, "tools.unknown")
    return tool


PAGES = (
    Page("/console/tools", "person", show_tools, menu="tools.menu", of_somebody=True),
    Page("/console/tools/{name}", "person", show_tool, make_key_for_tool),
)
