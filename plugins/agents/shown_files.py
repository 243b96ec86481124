"""Reading files, pictures and embedded pages."""

import re
from collections.abc import Iterator
from typing import Any

from plugins.agents.pieces import Piece, at, delta_of, web
from plugins.shared.json_values import dicts, items, label
from plugins.shared.types import Json


def file_shown(url: Any, kind: Any, name: Any = None) -> Iterator[Piece]:
    picture = isinstance(url, str) and re.match(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$", url)
    if picture or web(url):
        shown = {"type": "image" if picture or kind == "image" else "file", "url": url}
        yield Piece("files", {"files": [{**shown, **({"name": label(name)} if label(name) else {})}]})


def files(chunk: Json) -> Iterator[Piece]:
    for item in items(chunk.get("files")):
        yield from file_shown(item.get("url") if isinstance(item, dict) else item, at(item, "type"), at(item, "name"))


def images(chunk: Json) -> Iterator[Piece]:
    for item in dicts(delta_of(chunk).get("images")):
        yield from file_shown(at(item, "image_url", "url") or item.get("url"), "image")


def embeds(chunk: Json) -> Iterator[Piece]:
    """Read pages that Open WebUI shows in a frame of their own; new ones take the place of earlier ones."""
    shown = [page for page in items(chunk.get("embeds")) if isinstance(page, str) and page]
    if shown:
        yield Piece("embeds", {"embeds": shown[:10], "replace": chunk.get("replace") is True})
