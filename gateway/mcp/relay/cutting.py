"""Long results: a program that feeds a model is given the beginning, and an address at which the rest can be read."""

import secrets
import time
from typing import Any

import msgspec
from cachetools import LRUCache
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from gateway.identity.client import AGENTS
from gateway.mcp.ids import named
from gateway.mcp.protocol import Result
from gateway.mcp.relay.results import readable, text

MODEL_CLIENTS = frozenset({*AGENTS, "open-webui"})
"""Programs that put a result into the context of a model; others are given all of it."""
SCHEME = "sekisho+rest:"
_LIFETIME_SECONDS = 600.0
_MOST_BYTES = 64 * 1024 * 1024


class _Rest(msgspec.Struct, frozen=True):
    owner: str
    text: bytes
    expires: float


class Rests:
    """What was cut off, for ten minutes and for the one who was given the beginning."""

    def __init__(self, hub: str = "") -> None:
        """Take `hub`, what addresses tell of the machine; empty where there is only one."""
        self._hub = hub
        self._kept: LRUCache[str, _Rest] = LRUCache(_MOST_BYTES, getsizeof=lambda rest: len(rest.text) + 1)

    def keep(self, owner: str, rest: bytes) -> str | None:
        """Keep a rest and return its address; None where it is larger than all that is kept."""
        if len(rest) >= _MOST_BYTES:
            return None
        id_ = named(self._hub, secrets.token_urlsafe(12))
        self._kept[id_] = _Rest(owner, rest, time.monotonic() + _LIFETIME_SECONDS)
        return f"{SCHEME}{id_}"

    def read(self, owner: str, uri: str, most: int) -> Result:
        """Return the next part of a rest, with the address of what is still left. Raises `MCPError`."""
        found = self._kept.get(uri.removeprefix(SCHEME))
        if found is None or found.owner != owner or found.expires < time.monotonic():
            raise MCPError(
                INVALID_PARAMS, "This rest of a result is gone: it is kept ten minutes. Call the tool again."
            )
        part, rest = _split(found.text, most)
        contents = [{"uri": uri, "mimeType": "text/plain", "text": part.decode(errors="replace")}]
        if rest and (more := self.keep(owner, rest)):
            contents.append({"uri": more, "mimeType": "text/plain", "text": f"[{len(rest):,} more bytes: {more}]"})
        return {"contents": contents}


def cut(result: Result, most: int, version: str, owner: str, rests: Rests) -> Result:
    """Return a result of which the text is not longer than `most` bytes, with a note where it was."""
    kept: list[dict[str, Any]] = []
    left, cut_off = most, b""
    for block in result["content"]:
        words = block.get("text") if block.get("type") == "text" else None
        if not isinstance(words, str):
            kept.append(block)
            continue
        encoded = words.encode(errors="replace")
        if len(encoded) <= left and not cut_off:
            kept.append(block)
            left -= len(encoded)
            continue
        part, rest = _split(encoded, left) if not cut_off else (b"", encoded)
        kept += [{**block, "text": part.decode(errors="replace")}] if part else []
        cut_off += rest if not cut_off else b"\n" + rest
        left = 0
    if not cut_off:
        return result
    uri = rests.keep(owner, cut_off)
    where = f" Read the rest within ten minutes as the resource {uri}." if uri else ""
    note = text(f"[The result was cut: {len(cut_off):,} more bytes follow.{where}]")
    link = {"type": "resource_link", "uri": uri, "name": "The rest of the result", "mimeType": "text/plain"}
    return {**result, "content": [*kept, note, *([readable(link, version)] if uri else [])]}


def _split(encoded: bytes, most: int) -> tuple[bytes, bytes]:
    """Split a text where a character begins."""
    place = min(max(most, 4), len(encoded))
    while 0 < place < len(encoded) and encoded[place] & 0xC0 == 0x80:
        place -= 1
    return encoded[:place], encoded[place:]
