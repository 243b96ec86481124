"""The gateway's tool servers, as Open WebUI connects to them for the person."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from mcp import MCPError
from open_webui.models.config import Config
from open_webui.models.users import Users
from open_webui.utils.tools import connect_mcp_server

from plugins.mcp.turn import Turn
from plugins.shared.json_values import dict_of, dicts
from plugins.shared.log import log
from plugins.shared.tool_names import one_line
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json

REFUSALS = ("mcp_server_down", "mcp_timeout", "mcp_sign_in_needed")
TIMEOUT = -32001  # the SDK's own
SECONDS = 120  # for a server to give a prompt or a document; lists come at once


@asynccontextmanager
async def opened(turn: Turn, server: str) -> AsyncIterator[Any]:
    """Give the SDK's client of the turn, or one for the block, with the connection's key and the person's name.

    Raises Trouble where there is no such server, the person may not use it, or it does not answer.
    """
    id = server.strip() or await _own_server()
    held = getattr(dict_of(turn.metadata.get("mcp_clients")).get(id), "client", None)
    if held is not None:
        with _patient(held):
            yield held
        return
    native = await _connected(turn, id)
    try:
        with _patient(native.client):
            yield native.client
    finally:
        await native.disconnect()


async def _own_server() -> str:
    """Return the id of the tool server that `sekisho apply` wrote. Raises Trouble."""
    for connection in dicts(await Config.get("tool_server.connections", [])):
        about = dict_of(connection.get("info"))
        if about.get("sekisho") and isinstance(about.get("id"), str):
            return str(about["id"])
    raise Trouble("no_hub")


async def _connected(turn: Turn, id: str) -> Any:
    person = await Users.get_user_by_id(turn.user["id"])
    context = {"__metadata__": turn.metadata, "__event_call__": turn.call}
    try:
        found = await connect_mcp_server(turn.request, id, person, context)
    except Exception as error:
        log.warning("mcp: tool server '%s' cannot be reached (%s)", id, type(error).__name__)
        raise Trouble("not_connected") from error
    if found is None:
        raise Trouble("no_access")
    return found[0]


@contextmanager
def _patient(client: Any) -> Iterator[None]:
    """Let requests take longer than Open WebUI allows for lists; the SDK has no argument for it."""
    session, name = getattr(client, "session", None), "_session_read_timeout_seconds"
    former = getattr(session, name, None)
    if former is None:
        yield
        return
    setattr(session, name, max(former, SECONDS))
    try:
        yield
    finally:
        setattr(session, name, former)


async def answered(asked: Awaitable[Any], name: str) -> Json:
    """Return what a server answers. `name`: what was asked for, as people read it. Raises Trouble."""
    try:
        return dict_of((await asked).model_dump(mode="json", by_alias=True))
    except MCPError as error:
        about = dict_of(dict_of(error.error.data).get("sekisho/error"))
        code = "mcp_timeout" if error.error.code == TIMEOUT else about.get("code")
        key = str(code) if code in REFUSALS else "failed"
        raise Trouble(key, name=one_line(about.get("server")) or name, why=one_line(error.error.message)) from error
    except Exception as error:
        log.warning("mcp: no proper answer (%s)", type(error).__name__)
        raise Trouble("failed", name=name, why="its server gave no proper answer") from error
