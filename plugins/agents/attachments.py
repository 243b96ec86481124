"""Attached files, as parts of a message."""

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

from open_webui.models.files import Files
from open_webui.models.users import UserModel
from open_webui.storage.provider import Storage

from plugins.agents.manifest import Agent
from plugins.agents.pieces import Piece, step
from plugins.agents.turn import Turn
from plugins.shared.files import may_read
from plugins.shared.json_values import dict_of, label, words
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json


def within(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise Trouble("file_large")
    return content


async def content_of(item: Json, user: UserModel, whole: bool, limit: int) -> bytes:
    """Return the file's extracted text or, if `whole`, its bytes. Access is checked: the id came from the browser."""
    if item.get("type") == "text":  # the text itself came with the question
        return within(words(item.get("content")).encode(), limit)
    file = await Files.get_file_by_id(str(item.get("id") or ""))
    if file is None or not await may_read(file, user):
        raise Trouble("file_unreadable")
    if not whole:
        if not (text := words((file.data or {}).get("content"))):
            raise Trouble("file_unreadable")
        return within(text.encode(), limit)
    if ((file.meta or {}).get("size") or 0) > limit:
        raise Trouble("file_large")
    try:
        path = Path(await asyncio.to_thread(Storage.get_file, file.path))
        if await asyncio.to_thread(lambda: path.stat().st_size) > limit:
            raise Trouble("file_large")
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Trouble("file_unreadable") from error


def file_part(name: str, content: bytes, kind: Any, whole: bool) -> Json:
    if not whole:
        quoted = name.replace('"', "'")
        return {"type": "text", "text": f'<file name="{quoted}">\n{content.decode("utf-8", "replace")}\n</file>\n'}
    encoded = base64.b64encode(content).decode()
    data = f"data:{kind if isinstance(kind, str) and kind else 'application/octet-stream'};base64,{encoded}"
    return {"type": "file", "file": {"filename": name, "file_data": data}}


async def file_parts(turn: Turn, agent: Agent) -> tuple[list[Json], list[Piece]]:
    """Return the attached files that this person may read, each content once, as parts of a message."""
    parts: list[Json] = []
    notes: list[Piece] = []
    limit = left = int(turn.valves.file_megabytes * 1_000_000)
    sent: set[bytes] = set()
    attached = [item for item in map(dict_of, turn.files) if item.get("type") in ("file", "text")]
    for item in attached if agent.files != "none" else []:
        name = label(item.get("name")) or "file"
        try:
            content = await content_of(item, turn.person, agent.files == "bytes", limit)
            if (identity := hashlib.sha256(content).digest()) in sent:
                continue
            left -= len(within(content, left))
            sent.add(identity)
            parts.append(file_part(name, content, dict_of(item).get("content_type"), agent.files == "bytes"))
        except Trouble as trouble:
            notes.append(step(turn.text[trouble.key].format(file=name), True))
    return parts, notes
