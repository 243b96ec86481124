"""Reading web pages, under Open WebUI's rules for addresses."""

import asyncio
import codecs
import importlib
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL
from open_webui.retrieval.utils import build_loader_from_config, get_content_from_url, is_youtube_url
from open_webui.retrieval.web.utils import WEB_LOADER_HEADERS, get_ssrf_safe_session, validate_url
from starlette.exceptions import HTTPException

from plugins.research.html import html_text
from plugins.research.readable import LARGEST_PAGE, plain, readable
from plugins.research.run import Unread
from plugins.shared.types import Json

PAGE_SECONDS = 40
LARGEST_DOCUMENT = 15_000_000  # bytes of a PDF and the like
MOST_REDIRECTS = 5


def is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind.endswith(("json", "xml", "javascript"))


def decoded(content: bytes, rest: str) -> str:
    named = re.search(rb"charset=[\"']?([\w-]+)", rest.encode() + b" " + content[:4096], re.IGNORECASE)
    try:
        codec = codecs.lookup(named[1].decode() if named else "utf-8").name
    except LookupError:
        codec = "utf-8"
    return content.decode(codec, "replace")


def document_text(content: bytes, kind: str, url: str, config: Json) -> str:
    """Return the text by the extraction that is configured for uploaded files."""
    name = Path(urlsplit(url).path).name or "document"
    suffix = {"application/pdf": ".pdf"}.get(kind, Path(name).suffix)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"document{suffix}")
        path.write_bytes(content)
        try:
            documents = build_loader_from_config(config).load(path.name, kind, str(path))
        except HTTPException:  # the slim image reads none by itself
            if suffix != ".pdf":
                raise
            return "\n\n".join(page.extract_text() for page in importlib.import_module("pypdf").PdfReader(path).pages)
    return "\n\n".join(document.page_content for document in documents)


async def text_of(content: bytes, kind: str, url: str, config: Json) -> tuple[str, str]:
    """Return title and text. Raises Unread."""
    name, _, rest = kind.partition(";")
    kind = name.strip().lower()
    if kind.startswith(("image/", "video/", "audio/", "font/")):
        raise Unread("kind")
    if "html" in kind:
        return await asyncio.to_thread(html_text, decoded(content, rest))
    if is_text(kind):
        return "", decoded(content, rest)
    return "", await asyncio.to_thread(document_text, content, kind, url, config)


async def content_of(answer: Any, page_like: bool) -> bytes:
    """Read as much as allowed: the beginning of a page, the whole of a document. Raises Unread."""
    content, limit = bytearray(), LARGEST_PAGE if page_like else LARGEST_DOCUMENT
    async for part in answer.content.iter_chunked(65_536):
        content += part
        if len(content) > limit:
            if not page_like:
                raise Unread("large")
            break
    return bytes(content[:limit])


async def loaded(url: str, config: Json) -> tuple[bytes, str, str]:
    """Return bytes, content type and final address; each redirect is checked as Open WebUI checks the first address."""
    secure = AIOHTTP_CLIENT_SESSION_SSL if config["web.loader.ssl_verification"] else False
    async with get_ssrf_safe_session(store_cookies=False) as session:
        for _ in range(MOST_REDIRECTS):
            await asyncio.to_thread(validate_url, url)
            async with session.get(url, headers=WEB_LOADER_HEADERS, ssl=secure, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise Unread("failed")
                kind = answer.headers.get("Content-Type", "text/html")
                return await content_of(answer, is_text(kind.partition(";")[0].strip().lower())), kind, url
    raise Unread("failed")


async def page(request: Any, url: str, config: Json) -> tuple[str, str]:
    """Return title and text of a web page, under Open WebUI's rules for addresses. Raises Unread."""
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            if (config["web.loader.engine"] or "safe_web") != "safe_web" or is_youtube_url(url):
                text, documents = await get_content_from_url(request, url)
                title = documents[0].metadata.get("title") if documents else ""
            else:
                title, text = await text_of(*await loaded(url, config), config)
    except Unread:
        raise
    except TimeoutError as error:
        raise Unread("slow") from error
    except Exception as error:  # loaders raise what they like; of ValueError, Open WebUI's rules for addresses
        raise Unread("private" if type(error) is ValueError else "failed") from error
    if not (text := await asyncio.to_thread(readable, text)):
        raise Unread("empty")
    return plain(title or "") or url, text
