"""Images, audio and documents of a request: Bedrock takes their bytes, or an object in S3."""

import base64
from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation.checks import Fields
from gateway.translation.converse.names import (
    AUDIO_FORMATS,
    DOCUMENT_FORMATS,
    IMAGE_BEGINNINGS,
    IMAGE_FORMATS,
)
from gateway.translation.parts import Audio, Document, Source

_LONGEST_SHOWN = 200


def image_block(source: Source) -> Fields:
    """Return an image. Raises `InvalidRequest` for an address, and for a format that no model takes."""
    media_type = _media_type(source)
    found = IMAGE_FORMATS.get(media_type) or _format_by_beginning(source.data or "")
    if found is None and media_type:
        raise _refused(f"takes no image of the type '{media_type[:100]}'; it takes PNG, JPEG, GIF and WebP")
    return {"format": found or _format_by_name(source.url or "") or "png", "source": _bytes_of(source, "image")}


def document_block(part: Document, name: str) -> Fields:
    """Return a document. Raises `InvalidRequest` for an address, and for a format that no model takes."""
    source, media_type = part.source, _media_type(part.source)
    block: Fields = {"format": "txt", "name": name}
    if source.text is not None:
        encoded = base64.b64encode(source.text.encode("utf-8", "replace")).decode()
        block["source"] = {"text": source.text} if part.cite else {"bytes": encoded}
    else:
        block["format"] = _document_format(media_type)
        block["source"] = _bytes_of(source, "document")
    if part.context:
        block["context"] = part.context
    if part.cite:
        block["citations"] = {"enabled": True}
    return block


def audio_block(part: Audio) -> Fields | None:
    """Return audio; None where its format or its data are not known to Bedrock."""
    found = part.format or _media_type(part.source).rpartition("/")[2]
    if found not in AUDIO_FORMATS or part.source.data is None:
        return None
    return {"format": found, "source": {"bytes": part.source.data}}


def _document_format(media_type: str) -> str:
    found = DOCUMENT_FORMATS.get(media_type or "application/pdf") or ("txt" if media_type.startswith("text/") else None)
    if found is None:
        raise _refused(
            f"takes no document of the type '{media_type[:100]}'; it takes PDF, Word, Excel, CSV, HTML and text"
        )
    return found


def _bytes_of(source: Source, kind: str) -> dict[str, Any]:
    if source.data:
        return {"bytes": source.data}
    if source.url is not None and source.url.startswith("s3://"):
        return {"s3Location": {"uri": source.url}}
    if source.url is not None:
        where = source.url[:_LONGEST_SHOWN]
        raise _refused(f"takes no {kind} by its address ('{where}'); send its data as base64 instead")
    raise _refused(f"knows no files by their id, and no empty ones; send the {kind}'s data as base64 instead")


def _media_type(source: Source) -> str:
    return (source.media_type or "").partition(";")[0].strip().lower()


def _format_by_beginning(data: str) -> str | None:
    return next((name for begin, name in IMAGE_BEGINNINGS.items() if data.startswith(begin)), None)


def _format_by_name(url: str) -> str | None:
    ending = url.rpartition(".")[2].lower()
    return IMAGE_FORMATS.get(f"image/{ending}")


def _refused(words: str) -> InvalidRequest:
    return InvalidRequest(f"The model's server {words}.", code="unsupported_media", param="messages")
