"""Content of prompts and documents: text and pictures for the model, what the person sees beside the answer."""

import base64
import binascii
import io
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from open_webui.models.files import Files
from open_webui.models.users import Users
from open_webui.routers.files import upload_file_handler
from starlette.datastructures import Headers, UploadFile

from plugins.mcp.texts import FOR_THE_MODEL
from plugins.mcp.turn import Turn
from plugins.shared.json_values import dict_of
from plugins.shared.log import log
from plugins.shared.tool_names import one_line, original
from plugins.shared.types import Json

LONGEST_TEXT = 60_000  # characters for the model
LARGEST_FILE = 20_000_000  # bytes
MOST_PICTURES = 8
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass
class Content:
    """What several blocks come to."""

    texts: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    """As data URIs, which Open WebUI shows to both."""
    files: list[Json] = field(default_factory=list)

    @property
    def text(self) -> str:
        whole = "\n\n".join(filter(None, self.texts)) or FOR_THE_MODEL["empty"]
        if len(whole) <= LONGEST_TEXT:
            return whole
        note = FOR_THE_MODEL["cut"].format(shown=f"{LONGEST_TEXT:,}", whole=f"{len(whole):,}")
        return whole[:LONGEST_TEXT] + note

    async def add(self, block: Any, turn: Turn) -> None:
        """Add a block of a prompt's message, or what a document consists of."""
        block = dict_of(block)
        kind = block.get("type")
        if isinstance(block.get("text"), str):
            self.texts.append(block["text"])
        elif kind == "resource":
            await self.add({**dict_of(block.get("resource")), "type": ""}, turn)
        elif kind == "resource_link":
            self.texts.append(" – ".join(filter(None, map(one_line, (block.get("name"), block.get("uri"))))))
        else:
            data = block.get("data") if kind in ("image", "audio") else block.get("blob")
            await self._add_data(data, block, turn)

    async def _add_data(self, data: Any, block: Json, turn: Turn) -> None:
        kind = one_line(block.get("mimeType")).lower() or "application/octet-stream"
        raw = _decoded(data)
        if raw is None:
            self.texts.append(FOR_THE_MODEL["unreadable"].format(kind=kind))
        elif len(raw) > LARGEST_FILE or len(self.pictures) + len(self.files) >= MOST_PICTURES:
            self.texts.append(FOR_THE_MODEL["too_large"].format(kind=kind))
        elif kind in PICTURES:
            self.pictures.append(f"data:{kind};base64,{base64.b64encode(raw).decode()}")
            self.texts.append(FOR_THE_MODEL["picture"])
        else:
            await self._add_file(raw, kind, file_name(block), turn)

    async def _add_file(self, raw: bytes, kind: str, name: str, turn: Turn) -> None:
        id, text = await stored(raw, kind, name, turn)
        if not id:
            self.texts.append(FOR_THE_MODEL["unreadable"].format(kind=kind))
            return
        shown = {"type": "file", "id": id, "url": id, "name": name, "content_type": kind, "size": len(raw)}
        self.files.append(shown)
        self.texts.append(FOR_THE_MODEL["file"].format(name=name) + (f"\n\n{text}" if text else ""))


def _decoded(data: Any) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) and data else None
    except (binascii.Error, ValueError):
        return None


def file_name(block: Json) -> str:
    """Return the last part of an address as the name of a file."""
    uri = original(one_line(block.get("uri"))).partition("?")[0]
    return one_line(unquote(uri.rstrip("/").rpartition("/")[2])).replace("/", "_")[-80:] or "document"


async def stored(raw: bytes, kind: str, name: str, turn: Turn) -> tuple[str, str]:
    """Store a file of the person's as Open WebUI does it; return its id and the text in it, both empty if refused."""
    person = await Users.get_user_by_id(turn.user["id"])
    about = {key: turn.metadata.get(key) for key in ("chat_id", "message_id", "session_id")}
    for read in (False,) if kind.startswith(("audio/", "video/", "image/")) else (True, False):
        file = UploadFile(file=io.BytesIO(raw), filename=name, headers=Headers({"content-type": kind}))
        try:
            row = await upload_file_handler(
                turn.request, file=file, metadata=about, process=read, process_in_background=False, user=person
            )
        except Exception as error:
            log.warning("mcp: a document is not %s (%s)", "read" if read else "stored", type(error).__name__)
            continue
        id = str(row["id"] if isinstance(row, dict) else row.id)
        known = await Files.get_file_by_id(id)
        return id, str(dict_of(getattr(known, "data", None)).get("content") or "")
    return "", ""
