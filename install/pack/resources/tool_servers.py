"""Tool servers that Open WebUI itself connects to: the gateway's hub among them. Others keep every byte."""

from collections.abc import Iterator

from gateway.secret import Secret
from install.errors import OpenWebUIError
from install.open_webui import OpenWebUI
from install.pack.inputs import PlanInputs, need
from install.pack.manifest import Manifest
from install.pack.resources.access import GRANTS, reading, to_list, to_set
from install.pack.resources.connections import IDENTITY_HEADERS, other_spellings
from install.pack.resources.kind import Kind, Owner, Wanted
from install.pack.tree import ABSENT, Json, get
from install.pack.tree import Path as LeafPath
from install.wording import say, term

STAMP = ("info", "sekisho")
# Open WebUI's client of tool servers does not say whose it is.
CLIENT_HEADERS = {"X-Sekisho-Client": "open-webui"}
NO_TASK = "X-Sekisho-Task"
"""Tools are called in chats alone, where the template of the task is empty."""


def mcp_id(connection: Json) -> str | None:
    """Return the id of a connection to an MCP server, None for one of another kind."""
    id = get(connection, ("info", "id"))
    return id if connection.get("type") == "mcp" and isinstance(id, str) else None


def to_record(connection: Json) -> Json:
    """Return a connection as a record, with each grant as a leaf."""
    config = dict(connection.get("config") or {})
    grants = to_set(config.pop(GRANTS, None) or [])
    return {**connection, "config": config, GRANTS: grants}


def from_record(record: Json) -> Json:
    config = {**(record.get("config") or {}), GRANTS: to_list(record.get(GRANTS) or {})}
    return {**{name: record[name] for name in record if name != GRANTS}, "config": config}


class ToolServers(Kind):
    """By the id that Open WebUI puts before the names of tools."""

    name = "tool server"
    overwrites = True

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for connection in client.tool_servers():
            if id := mcp_id(connection):
                found.setdefault(id, to_record(connection))
        return found

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        before = client.tool_servers()
        position = next((index for index, each in enumerate(before) if mcp_id(each) == id), len(before))
        after = list(before)
        after[position : position + 1] = [] if target is None else [from_record(target)]
        if after != before:
            client.set_tool_servers(after)

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        if target is None or not get(target, ("config", "enable")) or get(target, STAMP) is ABSENT:
            return None
        try:
            client.tools_behind(from_record(target))
        except OpenWebUIError:
            return say(
                "no tools at {url}: configure `mcp` in the gateway, and check --gateway-url and the key",
                url=target["url"],
            )
        return None

    def owner(self, current: Json) -> Owner:
        return Owner.OTHERS if get(current, STAMP) is ABSENT else Owner.PACK

    def label(self, path: LeafPath) -> str:
        if path == STAMP:
            return term("mark")
        return term("header ") + path[1] if path[0] == "headers" and len(path) > 1 else Kind.label(self, path)


def wanted_tool_servers(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the hub, where the manifest has it. Raises `InstallError`."""
    entry = inputs.manifest.mcp
    if entry is None:
        return
    stored = inputs.there(ToolServers.name, entry.name)
    if not inputs.tools_answer:
        if stored is not None:
            yield Wanted(ToolServers.name, entry.name, {}, kept=say("the gateway lists no tools now: kept"))
        return
    own = {
        name: need(inputs, value, "connection", "headers", name, stored=get(stored, ("headers", name)))
        for name, value in inputs.manifest.connection.headers.items()
    }
    identity = {name: value for name, value in IDENTITY_HEADERS.items() if name != NO_TASK}
    headers = {**identity, **CLIENT_HEADERS, **own}
    fixed: dict[LeafPath, object] = {
        ("type",): "mcp",
        ("url",): _address(inputs.url, entry.view),
        ("path",): "",
        ("auth_type",): "bearer",
        ("key",): inputs.key,
        ("forward_cookies",): False,
        ("config", "enable"): True,
        ("info", "id"): entry.name,
        ("info", "name"): entry.title,
        ("info", "description"): entry.description,
        STAMP: True,
    }
    named: dict[LeafPath, object] = {("headers", name): value for name, value in headers.items()}
    spelled = other_spellings(stored, headers, ("headers",))
    soft = frozenset({("info", "name"), ("info", "description")})
    leaves = {**fixed, **named, **spelled, **reading(entry.groups, inputs.groups)}
    yield Wanted(ToolServers.name, entry.name, leaves, soft=soft)


def tools_answer(client: OpenWebUI, manifest: Manifest, url: str, key: Secret) -> bool:
    """Return whether Open WebUI finds tools at the gateway; true where the manifest wants them in any case."""
    entry = manifest.mcp
    if entry is None or not entry.optional:
        return True
    hub = {"type": "mcp", "url": _address(url.rstrip("/"), entry.view), "path": "", "auth_type": "bearer"}
    try:
        client.tools_behind({**hub, "key": key.reveal(), "headers": CLIENT_HEADERS, "config": {}})
    except OpenWebUIError:
        return False
    return True


def _address(url: str, view: str | None) -> str:
    return f"{url.removesuffix('/v1')}/mcp" + (f"/view/{view}" if view else "")
