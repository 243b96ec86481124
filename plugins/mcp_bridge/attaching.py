"""Files in a tool's answer that Open WebUI does not keep: no pictures, sounds, pictures of rarer kinds."""

from collections.abc import Awaitable, Callable
from typing import Any

from plugins.shared.file_items import LARGEST_FILE, decoded, file_item, file_name
from plugins.shared.json_values import dict_of
from plugins.shared.tool_names import one_line
from plugins.shared.types import Json

Keep = Callable[[bytes, str, str], Awaitable[tuple[str, str]]]
"""Stores bytes of a kind under a name; returns the id and the text in them."""
KEPT_NATIVELY = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "audio/wav")
MOST_FILES = 8  # of one call
LONGEST_TEXT = 60_000  # characters for the model


async def attached(content: list[Any], keep: Keep, words: str) -> tuple[list[Any], list[Json]]:
    """Return the answer with its files as text, and the files to show. `words`: what the model reads of a file."""
    blocks: list[Any] = []
    files: list[Json] = []
    for block in content:
        found = _file_in(block) if len(files) < MOST_FILES else None
        id, text = await keep(*found) if found else ("", "")
        if not found or not id:
            blocks.append(block)
            continue
        raw, kind, name = found
        files.append(file_item(id, kind, name, len(raw)))
        told = words.format(name=name) + (f"\n\n{text[:LONGEST_TEXT]}" if text else "")
        blocks.append({"type": "text", "text": told})
    return blocks, files


def _file_in(block: Any) -> tuple[bytes, str, str] | None:
    """Return the bytes, kind and name of a file in a block, None where there is none to keep."""
    kind = dict_of(block).get("type")
    inner = dict_of(block.get("resource")) if kind == "resource" else dict_of(block)
    mime = one_line(inner.get("mimeType")).lower() or "application/octet-stream"
    native = mime.startswith("image/") if kind == "resource" else mime in KEPT_NATIVELY
    if kind not in ("resource", "image", "audio") or native:
        return None
    raw = decoded(inner.get("blob") if kind == "resource" else inner.get("data"))
    if raw is None or len(raw) > LARGEST_FILE:
        return None
    suffix = mime.partition("/")[2].partition("+")[0].partition(";")[0]
    return raw, mime, file_name(one_line(inner.get("uri"))) if kind == "resource" else f"{kind}.{suffix}"
