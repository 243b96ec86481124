"""Sources of images and documents."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from gateway.translation.checks import Fields, required_text, text, unknown
from gateway.translation.data_urls import source_of
from gateway.translation.parts import Source

_KNOWN = frozenset(("type", "data", "media_type", "url", "file_id"))
_BEGINNINGS = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lGO": "image/gif", "UklGR": "image/webp"}
"""Media types of images by the beginning of their base64."""


def read_source(found: Fields, at: str) -> Source:
    """Read a source. Raises `InvalidRequest` for one of an unknown type."""
    kind = found.get("type")
    if kind == "base64":
        return Source(data=required_text(found, "data", at), media_type=text(found, "media_type", at))
    if kind == "text":
        return Source(text=required_text(found, "data", at), media_type=text(found, "media_type", at))
    if kind == "url":
        return source_of(required_text(found, "url", at), f"{at}.url")
    if kind == "file":
        return Source(file_id=required_text(found, "file_id", at))
    raise unknown(f"{at}.type", kind, "base64, url, file, text or content")


def extra(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a source that have no canonical place."""
    return {name: value for name, value in found.items() if name not in _KNOWN}


def image_source(source: Source) -> dict[str, Any] | None:
    """Return the source of an image; None where Messages has none for it."""
    if source.data is not None:
        return {"type": "base64", "media_type": source.media_type or _image_type(source.data), "data": source.data}
    return _elsewhere(source)


def document_source(source: Source) -> dict[str, Any] | None:
    """Return the source of a document; None where Messages has none for it: it takes PDF and plain text."""
    if source.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": source.text}
    if source.data is None:
        return _elsewhere(source)
    media_type = (source.media_type or "application/pdf").partition(";")[0].strip().lower()
    if media_type == "application/pdf":
        return {"type": "base64", "media_type": "application/pdf", "data": source.data}
    words = _plain(source.data) if media_type.startswith("text/") or media_type == "application/json" else None
    return None if words is None else {"type": "text", "media_type": "text/plain", "data": words}


def _elsewhere(source: Source) -> dict[str, Any] | None:
    if source.url is not None:
        return {"type": "url", "url": source.url}
    return {"type": "file", "file_id": source.file_id} if source.file_id is not None else None


def _image_type(data: str) -> str:
    return next((kind for begin, kind in _BEGINNINGS.items() if data.startswith(begin)), "image/png")


def _plain(data: str) -> str | None:
    """Return the text of a file in base64; None where it is none."""
    try:
        return base64.b64decode(data, validate=False).decode()
    except (binascii.Error, ValueError):
        return None
