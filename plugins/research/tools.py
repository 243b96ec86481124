"""Search tools of the chat (MCP and others) as places to search."""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from plugins.research.pages import PAGE_SECONDS
from plugins.research.readable import plain, readable
from plugins.research.run import Place, Source, Unread
from plugins.research.web import web_url
from plugins.shared.json_values import dict_of, dicts, items, label, words
from plugins.shared.types import Json

LARGEST_RESULT = 400_000  # characters of what a tool gives
MOST_TOOLS = 4
SEARCHES = re.compile(r"search|find|look_?up|query|retrieve|検索", re.IGNORECASE)
READS = re.compile(r"fetch|read|get|open|取得", re.IGNORECASE)
CHANGES = re.compile(r"delete|remove|create|update|write|send|post|insert|execute|run_|upload|move|set_", re.IGNORECASE)
QUERY_NAMES = ("query", "q", "question", "search", "search_query", "keyword", "keywords", "text", "input")
ITEM_LISTS = ("results", "items", "documents", "hits", "matches", "data")


def argument_of(tool: Json, says: "re.Pattern[str]", names: tuple[str, ...]) -> str:
    """Return the one string argument that the tool needs; empty if the tool is of another kind."""
    spec = dict_of(tool.get("spec"))
    name, parameters = str(spec.get("name") or ""), dict_of(spec.get("parameters"))
    described = f"{name} {label(spec.get('description'))[:200]}"
    known, needed = dict_of(parameters.get("properties")), items(parameters.get("required"))
    fitting = [key for key in names if dict_of(known.get(key)).get("type") == "string"]
    fits = callable(tool.get("callable")) and says.search(described) and not CHANGES.search(name)
    return fitting[0] if fits and fitting and set(needed) <= {fitting[0]} else ""


def tool_text(result: Any) -> str:
    """Return what a tool gave as text: text, MCP's parts, JSON, or one of these with the headers of the response."""
    result = result[0] if isinstance(result, tuple) and result else result
    text = result if isinstance(result, str) else words(result)
    return (text or json.dumps(result, ensure_ascii=False, default=str))[:LARGEST_RESULT] if result else ""


def items_of(text: str) -> list[Json]:
    """Return the results in a tool's JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    rows = (
        next((found[key] for key in ITEM_LISTS if isinstance(found.get(key), list)), [found])
        if isinstance(found, dict)
        else found
    )
    return dicts(rows)[:20]


async def tool_page(tool: Json, argument: str, handle: str, title: str) -> tuple[str, str]:
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            said = tool_text(await tool["callable"](**{argument: handle}))
    except Exception as error:  # whatever the tool raises
        raise Unread("slow" if isinstance(error, TimeoutError) else "failed") from error
    found = items_of(said)
    text = words(found[0].get("text") or found[0].get("content")) if found else ""
    return title, readable(text or said)


async def tool_search(
    name: str, tool: Json, argument: str, reader: tuple[Json, str] | None, query: str
) -> list[Source]:
    said = tool_text(await tool["callable"](**{argument: query}))
    sources = []
    for item in items_of(said):
        id, url = str(item.get("id") or ""), web_url(item.get("url") or item.get("link"))
        title = plain(label(item.get("title")) or label(item.get("name"))) or url or id
        text = next(
            (words(item.get(key)) for key in ("text", "content", "snippet", "description") if item.get(key)), ""
        )
        handle = {"id": id, "url": url}[reader[1]] if reader else ""
        read = partial(tool_page, reader[0], reader[1], handle, title) if reader and handle else None
        if title and (text or read):
            sources.append(Source(f"{name}: {url or id or title}", title, readable(text), url, True, read))
    return sources or (
        [Source(f"{name}: {query}", f"{plain(name)}: {query}", readable(said), "", True)] if said else []
    )


def tool_places(tools: Json) -> Iterator[Place]:
    """Yield tools that search with one string. Open WebUI's own are left out: their work is done here."""
    own = {name: dict_of(tool) for name, tool in tools.items() if dict_of(tool).get("type") != "builtin"}
    fitting = [(name, argument) for name, tool in own.items() if (argument := argument_of(tool, SEARCHES, QUERY_NAMES))]
    for name, argument in fitting[:MOST_TOOLS]:
        server = name[: SEARCHES.search(name).start()] if SEARCHES.search(name) else name  # type: ignore[union-attr]
        readers = ((other, argument_of(tool, READS, ("id", "url"))) for other, tool in own.items() if other != name)
        reader = next(((own[other], key) for other, key in readers if key and other.startswith(server)), None)
        yield Place(plain(name), True, partial(tool_search, name, own[name], argument, reader))
