"""What Open WebUI leaves out of a tool's answer: links, resources to cite, pages."""

import re
from typing import Any

from plugins.shared.json_values import dict_of, items
from plugins.shared.tool_names import one_line, original, source_event
from plugins.shared.types import Json

MOST_SOURCES = 20  # of one call
LONGEST_PAGE = 1_000_000
DOCTYPE = re.compile(r"\s*<!doctype[^>]{0,200}>", re.IGNORECASE)
PAPER = "<style>html{background:#fff;color:#000}</style>"
"""First, so that whatever the page says goes before it."""
HEIGHT = (
    "<script>(()=>{const tell=()=>parent.postMessage({type:'iframe:height',"
    "height:Math.ceil(document.body.getBoundingClientRect().bottom)+16},'*');"
    "addEventListener('load',tell);new ResizeObserver(tell).observe(document.body)})()</script>"
)
"""Open WebUI gives a frame the height that its page asks for."""


def complete(content: Any, text: dict[str, str], pages: bool) -> tuple[Any, list[Json]]:
    """Return the answer for Open WebUI to go on with, and the events that show what it would leave out."""
    events: list[Json] = []
    blocks = [_block(block, text, pages, events) for block in items(content)]
    return blocks if isinstance(content, list) else content, events[:MOST_SOURCES]


def _block(block: Any, text: dict[str, str], pages: bool, events: list[Json]) -> Any:
    kind = dict_of(block).get("type")
    if kind == "resource_link":
        return _link(block, events)
    if kind == "resource":
        return _resource(block, text, pages, events)
    return block


def _link(block: Json, events: list[Json]) -> Json:
    """Cite a link, and let the model read it as a line of text."""
    uri, description = one_line(block.get("uri")), one_line(block.get("description"))
    name = one_line(block.get("title")) or one_line(block.get("name")) or uri
    events.append(source_event(name, original(uri), description or name))
    parts = [name, *([uri] if uri != name else []), *([description] if description else [])]
    return {"type": "text", "text": " – ".join(parts)}


def _resource(block: Json, text: dict[str, str], pages: bool, events: list[Json]) -> Json:
    resource = dict_of(block.get("resource"))
    content, uri = resource.get("text"), one_line(resource.get("uri"))
    if not isinstance(content, str) or not content:
        return block  # pictures and files are Open WebUI's own
    html = str(resource.get("mimeType") or "").lower().startswith("text/html")
    if html and pages and len(content) <= LONGEST_PAGE:
        events.append({"type": "embeds", "data": {"embeds": [framed(content)]}})
        return {"type": "text", "text": text["shown"].format(name=original(uri))}
    events.append(source_event(original(uri) or "?", original(uri), content))
    return block


def framed(page: str) -> str:
    """Return a page that is readable in a frame without a background of its own, and as high as what it shows."""
    doctype = DOCTYPE.match(page)
    at = doctype.end() if doctype else 0
    return f"{page[:at]}{PAPER}{page[at:]}{HEIGHT}"


def error_of(result: Any) -> Json:
    """Return `{code, server}` that the gateway's hub says about a call that failed, empty if it says nothing."""
    return dict_of(dict_of(getattr(result, "meta", None)).get("sekisho/error"))
