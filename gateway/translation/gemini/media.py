"""Media in parts: bytes (`inlineData`) and addresses (`fileData`)."""

import base64
import mimetypes
from typing import Any
from urllib.parse import urlsplit

from gateway.translation.checks import Fields
from gateway.translation.gemini.own import kept
from gateway.translation.parts import NOTHING_OWN, Audio, Document, Image, Own, Source

_DEFAULTS: dict[type, str] = {Image: "image/png", Audio: "audio/wav", Document: "application/pdf"}
_BEGINNINGS = {"/9j/": "image/jpeg", "R0lGO": "image/gif", "UklGR": "image/webp"}
"""Media types of images by the beginning of their base64."""


def read_medium(source: Source, own: Own = NOTHING_OWN) -> Image | Audio | Document:
    """Return the part that bytes or an address are, by their media type; a video is a document."""
    kind, _, subtype = (source.media_type or "").partition("/")
    if kind == "image":
        return Image(source=source, own=own)
    if kind == "audio":
        return Audio(source=source, format=subtype.partition(";")[0], own=own)
    return Document(source=source, own=own)


def write_medium(part: Image | Audio | Document) -> Fields | None:
    """Return the part of a medium; None where Gemini has none for it: a file that another vendor keeps."""
    source = part.source
    media_type = source.media_type or _guessed(part)
    if source.text is not None:
        data = base64.b64encode(source.text.encode("utf-8", "replace")).decode()
        found: Fields = {"inlineData": {"mimeType": "text/plain", "data": data}}
    elif source.data is not None:
        found = {"inlineData": {"mimeType": media_type, "data": source.data}}
    elif source.url is not None:
        found = {"fileData": {"mimeType": media_type, "fileUri": source.url}}
    else:
        return None
    return _with_inner(found, dict(kept(part.own)))


def _with_inner(found: Fields, own: dict[str, Any]) -> Fields:
    """Put members of Gemini's own into a part, and those of its inner object into that."""
    inner = own.pop("inner", {})
    return {name: {**value, **inner} for name, value in found.items()} | own


def _guessed(part: Image | Audio | Document) -> str:
    source = part.source
    if isinstance(part, Audio) and part.format:
        return f"audio/{part.format}"
    if source.data is not None and isinstance(part, Image):
        begun = (kind for begin, kind in _BEGINNINGS.items() if source.data.startswith(begin))
        return next(begun, _DEFAULTS[Image])
    return _by_name(source.url or getattr(part, "name", None) or "") or _DEFAULTS[type(part)]


def _by_name(name: str) -> str | None:
    try:
        return mimetypes.guess_type(urlsplit(name).path[-200:])[0]
    except ValueError:
        return None
