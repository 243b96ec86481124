"""Keep what clients can read of a server's lists: one bad entry never spoils the rest. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec
from mcp.shared.inbound import find_invalid_x_mcp_header
from mcp_types import methods
from pydantic import ValidationError

from gateway.config.mcp import McpBounds, McpServer
from gateway.mcp.catalog.schemas import mend
from gateway.mcp.protocol import LATEST_MODERN_VERSION

Entry = dict[str, Any]

_LONGEST_NAME = 512
_SHOWN = 60
_TEXTS = ("title", "description", "mimeType")
_MEMBERS = {
    "name": ("prompts/list", "prompts"),
    "uri": ("resources/list", "resources"),
    "uriTemplate": ("resources/templates/list", "resourceTemplates"),
}


def clean_tools(tools: list[Any], server: McpServer, left_out: list[str]) -> list[Entry]:
    """Return the tools that a client can be shown, each name once."""
    kept: dict[str, Entry] = {}
    for tool in tools:
        name = tool.get("name") if isinstance(tool, dict) else None
        reason = _unusable(name, kept) or _wrong_schema(tool, server)
        if not reason:
            cleaned = _with_schema(_cut(tool, server.bounds))
            reason = _invalid("tools/list", "tools", cleaned)
        if reason:
            left_out.append(f"tool {_shown(name)}: {reason}")
        else:
            kept[cleaned["name"]] = cleaned
    return list(kept.values())


def clean_named(entries: list[Any], key: str, bounds: McpBounds, left_out: list[str]) -> list[Entry]:
    """Return prompts, resources or templates that a client can be shown; `key`: the member that names one."""
    kept: dict[str, Entry] = {}
    method, member = _MEMBERS[key]
    for entry in entries:
        name = entry.get(key) if isinstance(entry, dict) else None
        reason = _unusable(name, kept, 8 * _LONGEST_NAME)
        if not reason:
            cleaned = _cut(entry, bounds)
            cleaned.setdefault("name", name)
            reason = _invalid(method, member, cleaned)
        if reason:
            left_out.append(f"{member} {_shown(name)}: {reason}")
        else:
            kept[cleaned[key]] = cleaned
    return list(kept.values())


def _unusable(name: Any, kept: dict[str, Entry], longest: int = _LONGEST_NAME) -> str | None:
    if not isinstance(name, str) or not name:
        return "it has no name"
    if len(name) > longest:
        return f"its name is longer than {longest} characters"
    return "its name is there twice" if name in kept else None


def _wrong_schema(tool: Entry, server: McpServer) -> str | None:
    bounds = server.bounds
    for member in ("inputSchema", "outputSchema"):
        schema = tool.get(member)
        if schema is None:
            continue
        if not isinstance(schema, dict | bool):
            return f"its {member} is no schema"
        if _deeper_than(schema, bounds.schema_depth):
            return f"its {member} is nested deeper than {bounds.schema_depth} levels"
        if len(msgspec.json.encode(schema)) > bounds.schema_bytes:
            return f"its {member} is larger than {bounds.schema_bytes:,} bytes"
    if (
        server.url
        and isinstance(tool.get("inputSchema"), dict)
        and (wrong := find_invalid_x_mcp_header(tool["inputSchema"]))
    ):
        return f"its x-mcp-header is not allowed ({wrong[:_SHOWN]})"
    return None


def _deeper_than(schema: Any, most: int) -> bool:
    level: list[Any] = [schema]
    for _ in range(most):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: Any) -> Iterator[Any]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from (each for each in found if isinstance(each, dict | list))


def _cut(entry: Entry, bounds: McpBounds) -> Entry:
    """Return an entry without texts that are none, its description cut to the limit."""
    cleaned = {name: value for name, value in entry.items() if value is not None}
    for name in _TEXTS:
        if name in cleaned and not isinstance(cleaned[name], str):
            del cleaned[name]
    for name in ("annotations", "_meta", "execution"):
        if name in cleaned and not isinstance(cleaned[name], dict):
            del cleaned[name]
    if "icons" in cleaned and not isinstance(cleaned["icons"], list):
        del cleaned["icons"]
    description = cleaned.get("description", "").encode(errors="replace")
    if len(description) > bounds.description_bytes:
        cleaned["description"] = description[: bounds.description_bytes].decode(errors="ignore") + "…"
    return cleaned


def _with_schema(tool: Entry) -> Entry:
    """Return a tool whose input schema says that arguments are an object, as clients demand."""
    schema = tool.get("inputSchema")
    mended = mend(schema) if isinstance(schema, dict) else {}
    if mended.get("type") != "object":
        mended = {**mended, "type": "object"}
    return {**tool, "inputSchema": mended}


def _invalid(method: str, member: str, entry: Entry) -> str | None:
    """Return why an entry is not what the protocol calls one."""
    result = {member: [entry], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    try:
        methods.validate_server_result(method, LATEST_MODERN_VERSION, result)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"][-2:])
        return f"'{place[:_SHOWN]}' is not what the protocol demands"
    return None


def _shown(name: Any) -> str:
    return repr(name[:_SHOWN]) if isinstance(name, str) else "without a name"
