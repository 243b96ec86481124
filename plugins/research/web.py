"""The web as a place to search."""

import asyncio
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from open_webui.models.config import Config
from open_webui.routers.retrieval import RETRIEVAL_CONFIG_KEYS, search_web
from open_webui.utils.access_control import has_permission

from plugins.research.pages import page
from plugins.research.readable import plain, readable
from plugins.research.run import Place, Source
from plugins.research.turn import Turn


def web_url(value: Any) -> str:
    """Return an address that can stand in Markdown; empty if it is none."""
    if not isinstance(value, str) or len(value) > 2_000:
        return ""
    try:
        parts = urlsplit(value.strip())
        parts = parts._replace(netloc=parts.netloc.encode("idna").decode())
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return ""
    return quote(parts.geturl(), safe="!#$%&*+,-./:;=?@_~")


async def web_place(turn: Turn, user: Any) -> Place | None:
    config = await Config.get_many(*RETRIEVAL_CONFIG_KEYS.values(), "user.permissions")
    if not config["web.search.enable"]:
        return None
    if user.role != "admin" and not await has_permission(
        user.id, "features.web_search", config["user.permissions"] or {}
    ):
        return None
    gate = asyncio.Semaphore(config["web.search.concurrent_requests"] or 16)
    readable_pages = not config["web.search.bypass_web_loader"]

    async def search(query: str) -> list[Source]:
        async with gate:
            found = await search_web(turn.request, config["web.search.engine"], query, user, config=config)
        sources = []
        for item in found or []:
            if url := web_url(item.link):
                reader = partial(page, turn.request, url, config) if readable_pages else None
                name = plain(item.title or "") or url
                sources.append(Source(url, name, readable(item.snippet or "")[:2_000], url, read=reader))
        return sources

    return Place(turn.text["web"], False, search)
