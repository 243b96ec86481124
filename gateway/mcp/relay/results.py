"""Results of servers in the words of the client's revision. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from gateway.mcp.protocol import META, OUR_INFO, OWN_META_PREFIX, SERVER_INFO_META_KEY, Result

_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
_ONLY_NEWER = ("resultType", "ttlMs", "cacheScope")
FAILURE = "sekisho/error"
"""In the `_meta` of a tool's result: `{code, server}` of a call that did not reach its server or was given up."""

_KNOWN_SINCE = {"text": "", "image": "", "resource": "", "audio": "2025-03-26", "resource_link": "2025-06-18"}
"""The revision that brought each type of content."""
_NEEDED = {
    "text": ("text",),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
    "resource": ("resource",),
    "resource_link": ("uri",),
}
_LONGEST_UNKNOWN = 4096


def for_client(result: Result, modern: bool) -> Result:
    """Return a result with the envelope of the client's revision; everything else of it stays."""
    meta = result.get(META)
    named = meta if isinstance(meta, dict) else {}
    kept = {
        name: value for name, value in named.items() if not name.startswith(OWN_META_PREFIX) or name == _SUBSCRIPTION
    }
    if modern:
        kind = result.get("resultType", "complete")
        return {**result, "resultType": kind, META: {**kept, SERVER_INFO_META_KEY: OUR_INFO}}
    plain = {name: value for name, value in result.items() if name not in _ONLY_NEWER and name != META}
    return {**plain, META: kept} if kept else plain


def cacheable(result: Result, modern: bool, ttl_ms: int = 0) -> Result:
    """Return a list with what newer clients must be told of how long it may be kept: never for others."""
    return {**result, "ttlMs": ttl_ms, "cacheScope": "private"} if modern else result


def tool_result(result: Result, version: str, modern: bool) -> Result:
    """Return a tool's result that every client of this revision can read."""
    content = result.get("content")
    blocks = content if isinstance(content, list) else []
    found = {**result, "content": [readable(block, version) for block in blocks]}
    if not modern and not isinstance(result.get("structuredContent"), dict):
        found.pop("structuredContent", None)
    if "isError" in found and not isinstance(found["isError"], bool):
        found["isError"] = bool(found["isError"])
    return found


def prompt_result(result: Result, version: str) -> Result:
    """Return a prompt whose messages every client of this revision can read."""
    messages = result.get("messages")
    kept = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    return {**result, "messages": [{**each, "content": readable(each.get("content"), version)} for each in kept]}


def readable(block: Any, version: str) -> dict[str, Any]:
    """Return a block of content, as text where the client's revision does not know its type."""
    if not isinstance(block, dict):
        return text(_written(block))
    kind = block.get("type")
    since = _KNOWN_SINCE.get(kind) if isinstance(kind, str) else None
    if since is None or not all(name in block for name in _NEEDED[str(kind)]):
        return text(_written(block))
    if version >= since:
        return {**block, "name": block.get("uri", "")} if kind == "resource_link" and "name" not in block else block
    return text(_OLDER[str(kind)](block))


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _written(value: Any) -> str:
    try:
        return msgspec.json.encode(value)[:_LONGEST_UNKNOWN].decode(errors="ignore")
    except (TypeError, ValueError, RecursionError):
        return ""


_OLDER: dict[str, Callable[[dict[str, Any]], str]] = {
    "resource_link": lambda block: f"{block.get('title') or block.get('name') or 'Resource'}: {block['uri']}",
    "audio": lambda block: f"[audio, {block['mimeType']}; this client's revision of the protocol has no audio]",
}


def failed(words: str, code: str = "", server: str = "") -> Result:
    """Return a tool's result from which a model learns what went wrong; a program learns it from `code`."""
    meta = {"_meta": {FAILURE: {"code": code, "server": server}}} if code else {}
    return {"content": [text(words)], "isError": True, **meta}
