"""Text: Open WebUI's, or the raw file's."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from open_webui.models.config import Config
from open_webui.models.files import Files
from open_webui.models.users import Users

from plugins.full_text.choosing import is_garbled, stored_is_better
from plugins.full_text.documents import Document
from plugins.full_text.raw_files import Reading, remembered_reading
from plugins.shared.files import may_read
from plugins.shared.tokens import count_tokens

POLL_SECONDS = 0.5
ENGINES = ("rag.content_extraction_engine", "rag.pdf_extract_images")
OLD = ("old_document", "old_slides")
UNCHECKED = ("slow", "too_big", "too_many_pages", "damaged", "protected", "bomb", "unsupported", *OLD)


def is_being_read(file: Any) -> bool:
    """Return whether the text is still missing; it is stored before it is embedded, which need not be waited for."""
    data = file.data or {}
    return data.get("status") in ("pending", "processing") and not data.get("content")


async def awaited(file: Any, document: Document, task: Reading, reading: Callable[[Document], Awaitable[None]]) -> Any:
    if is_being_read(file) and time.monotonic() < task.deadline:
        await reading(document)
    while is_being_read(file) and (left := task.deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(POLL_SECONDS, left))
        file = await Files.get_file_by_id(file.id) or file
    return file


def carried_text(item: dict[str, Any]) -> str:
    """Return the text that the item carries; Open WebUI takes it before the stored one."""
    data = (item.get("file") or {}).get("data") or {}
    text = str(data.get("content") or (item.get("content") if item.get("type") == "text" else "") or "")
    return text if text.strip() else ""


def stored_text(file: Any) -> str:
    text = str((file.data or {}).get("content") or "")
    return text if text.strip() else ""


def identity(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()


async def why_no_text(file: Any, problem: str) -> str:
    data, about = file.data or {}, file.meta or {}
    if about.get("size") == 0:
        return "empty"
    if data.get("status") == "failed" and "content" not in data and problem != "scan":
        return "failed"
    kind = str(about.get("content_type") or "")
    if problem != "scan" and not (kind.startswith("image/") or file.filename.lower().endswith(".pdf")):
        return "empty"
    engines = await Config.get_many(*ENGINES)
    return "no_text" if any(engines.values()) else "no_text_no_ocr"


async def read_raw(document: Document, file: Any, task: Reading, stored: str) -> None:
    """Take the text from the file itself where it is the better one; or the reason why there is none at all."""
    found = await remembered_reading(file, task)
    problem = str(found.get("problem") or "")
    engines = await Config.get_many(*ENGINES)
    has_engine = bool(engines.get(ENGINES[0])) or bool(engines.get(ENGINES[1]) and found.get("kind") == "pdf")
    if not await asyncio.to_thread(stored_is_better, found, stored, has_engine):
        document.text = str(found.get("text") or "")
        document.notes = dict(found.get("notes") or {})
    elif problem in UNCHECKED or (problem == "scan" and not has_engine):
        document.notes = {"unchecked": {"count": 1, "of": 0, "named": []}}
    document.content = str(found.get("digest") or "")
    if document.text or (stored and not (problem and is_garbled(stored))):
        return
    document.reason = problem
    if problem in ("scan", "unsupported", "unreachable"):
        document.reason = await why_no_text(file, problem)


async def obtained(document: Document, user: Any, task: Reading, reading: Callable[[Document], Awaitable[None]]) -> Any:
    """Return the stored file, once Open WebUI has read it or the time is over; None if it is not for this person."""
    file = None if document.is_inline else await Files.get_file_by_id(document.id)
    if document.is_inline or (user and file and await may_read(file, user)):
        return await awaited(file, document, task, reading) if file else None
    document.reason = "no_access"
    return None


async def text_of(document: Document, file: Any, task: Reading) -> str:
    """Return the text as it will go in; fill in what was not read, or the reason why there is none."""
    carried = carried_text(document.item)
    if file is None:
        document.reason = "" if carried else "no_text_inline"
        return carried
    stored = carried or stored_text(file)
    if is_being_read(file) and not stored:
        document.reason = "still_reading"
    elif not carried and not is_being_read(file):
        await read_raw(document, file, task, stored)
    return document.text or stored


async def examine(
    documents: list[Document], task: Reading, factor: float, reading: Callable[[Document], Awaitable[None]]
) -> None:
    """Fill in the tokens, what was not read, or the reason why there is no text."""
    user = await Users.get_user_by_id(task.user_id)
    files = [await obtained(document, user, task, reading) for document in documents]

    async def one(document: Document, file: Any) -> None:
        text = await text_of(document, file, task)
        if text:
            document.content = await asyncio.to_thread(identity, text)
        if not document.reason:
            document.tokens = round(await asyncio.to_thread(count_tokens, text) * factor)

    pairs = zip(documents, files, strict=True)
    await asyncio.gather(*(one(document, file) for document, file in pairs if not document.reason))


async def identify(documents: list[Document], user_id: str) -> None:
    """Fill in which content the files have, of those that the person may read; nothing is waited for."""
    user = await Users.get_user_by_id(user_id)
    for document in documents:
        file = await Files.get_file_by_id(document.id)
        if user and file and await may_read(file, user) and (text := stored_text(file)):
            document.content = await asyncio.to_thread(identity, text)
