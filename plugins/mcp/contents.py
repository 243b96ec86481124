"""Content of prompts and documents: text and pictures for the model, what the person sees beside the answer."""

import base64
from dataclasses import dataclass, field
from typing import Any

from plugins.mcp.texts import FOR_THE_MODEL
from plugins.mcp.turn import Turn
from plugins.shared.file_items import LARGEST_FILE, decoded, file_item, file_name
from plugins.shared.json_values import dict_of
from plugins.shared.stored_files import stored
from plugins.shared.tool_names import one_line
from plugins.shared.types import Json

LONGEST_TEXT = 60_000  # characters for the model
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
        raw = decoded(data)
        if raw is None:
            self.texts.append(FOR_THE_MODEL["unreadable"].format(kind=kind))
        elif len(raw) > LARGEST_FILE or len(self.pictures) + len(self.files) >= MOST_PICTURES:
            self.texts.append(FOR_THE_MODEL["too_large"].format(kind=kind))
        elif kind in PICTURES:
            self.pictures.append(f"data:{kind};base64,{base64.b64encode(raw).decode()}")
            self.texts.append(FOR_THE_MODEL["picture"])
        else:
            await self._add_file(raw, kind, file_name(one_line(block.get("uri"))), turn)

    async def _add_file(self, raw: bytes, kind: str, name: str, turn: Turn) -> None:
        id, text = await stored(raw, kind, name, turn.user["id"], turn.request, turn.metadata)
        if not id:
            self.texts.append(FOR_THE_MODEL["unreadable"].format(kind=kind))
            return
        self.files.append(file_item(id, kind, name, len(raw)))
        self.texts.append(FOR_THE_MODEL["file"].format(name=name) + (f"\n\n{text}" if text else ""))
