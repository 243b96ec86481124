"""Text: Open WebUI's, or the raw file's."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from open_webui.models.config import Config
from open_webui.models.files import Files
from open_webui.models.users import Users

from plugins.full_text.documents import Document
from plugins.full_text.raw_files import Reading, remembered_reading
from plugins.shared.files import may_read
from plugins.shared.tokens import count_tokens

POLL_SECONDS = 0.5


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


def text_of(item: dict[str, Any], file: Any) -> str:
    """Return what Open WebUI will inject: a text that the item carries comes before the stored one."""
    carried = ((item.get("file") or {}).get("data") or {}).get("content")
    text = str(carried or (file.data or {}).get("content") or "")
    return text if text.strip() else ""


async def why_no_text(file: Any, problem: str) -> str:
    data = file.data or {}
    if data.get("status") == "failed" and "content" not in data and problem != "scan":
        return "failed"
    kind = str((file.meta or {}).get("content_type") or "")
    if problem != "scan" and not (kind.startswith("image/") or file.filename.lower().endswith(".pdf")):
        return "empty"
    engines = await Config.get_many("rag.content_extraction_engine", "rag.pdf_extract_images")
    return "no_text" if any(engines.values()) else "no_text_no_ocr"


async def read_raw(document: Document, file: Any, task: Reading, stored: str) -> None:
    """Read the text from the file itself; else leave Open WebUI's text, or the reason why there is none."""
    found = await remembered_reading(file, task)
    document.text = str(found.get("text") or "")
    if document.text or stored:
        return
    document.reason = str(found.get("problem") or "")
    if document.reason in ("scan", "unsupported", "unreachable"):
        document.reason = await why_no_text(file, document.reason)


async def examine(
    documents: list[Document],
    task: Reading,
    factor: float,
    reading: Callable[[Document], Awaitable[None]],
) -> None:
    """Fill in the tokens, or the reason why there is no text."""
    user = await Users.get_user_by_id(task.user_id)
    for document in documents:
        file = await Files.get_file_by_id(document.item["id"])
        if not (user and file and await may_read(file, user)):
            document.reason = "no_access"
            continue
        file = await awaited(file, document, task, reading)
        stored = text_of(document.item, file)
        if not is_being_read(file) and (task.page_marks or not stored):
            await read_raw(document, file, task, stored)
        elif not stored:
            document.reason = "still_reading"
        if not document.reason:
            document.tokens = round(await asyncio.to_thread(count_tokens, document.text or stored) * factor)
