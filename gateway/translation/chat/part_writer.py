"""Parts of turns as an upstream's messages hold them."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation.chat.names import CHAT, cache_control, chat_own
from gateway.translation.codec import Writing
from gateway.translation.data_urls import url_of
from gateway.translation.parts import Audio, Document, Foreign, Image, Part, Refusal, Text

Fields = dict[str, Any]


def write_parts(parts: Iterable[Part], writing: Writing) -> list[Fields]:
    """Return the parts of a message's content. Raises `InvalidRequest` for media that this dialect cannot name."""
    written = (write_part(part, writing) for part in parts)
    return [part for part in written if part is not None]


def write_part(part: Part, writing: Writing) -> Fields | None:
    """Return one part of a message's content; None for what stands elsewhere or is of another dialect."""
    if isinstance(part, Foreign) and part.dialect != CHAT:
        writing.drop(f"messages.{part.type}")
        return None
    write = _WRITERS.get(type(part))
    if write is None:
        return None
    fields = {**write(part), **chat_own(part.own)}
    if part.cache and writing.profile.cache_marks:
        fields["cache_control"] = cache_control(part.cache)
    return fields


def _text(part: Text) -> Fields:
    return {"type": "text", "text": part.text}


def _refusal(part: Refusal) -> Fields:
    return {"type": "refusal", "refusal": part.text}


def _image(part: Image) -> Fields:
    url = url_of(part.source, "image/png")
    if url is None:
        raise _unnamed("images", "the image itself or its address")
    detail = {} if part.detail is None else {"detail": part.detail}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def _audio(part: Audio) -> Fields:
    data = part.source.data if part.source.data is not None else part.source.url
    if data is None:
        raise _unnamed("audio", "the audio itself")
    kind = part.format or _format(part.source.media_type)
    return {"type": "input_audio", "input_audio": {"data": data, **({"format": kind} if kind else {})}}


def _format(media_type: str | None) -> str | None:
    """Return the name of an audio format: `audio/mpeg` is `mp3`, `audio/x-wav` is `wav`."""
    if media_type is None:
        return None
    name = media_type.rpartition("/")[2].removeprefix("x-")
    return "mp3" if name == "mpeg" else name


def _document(part: Document) -> Fields:
    text = plain_text(part)
    if text is not None:
        return {"type": "text", "text": text}
    name = {} if part.name is None else {"filename": part.name}
    source = part.source
    if source.file_id is not None:
        return {"type": "file", "file": {**name, "file_id": source.file_id}}
    data = source.data if source.data is not None and source.media_type is None else url_of(source, "")
    if data is None:
        raise _unnamed("documents", "the document itself")
    if not name and source.data is not None:
        name = {"filename": "document.pdf"}  # OpenAI demands one beside data
    return {"type": "file", "file": {**name, "file_data": data}}


def plain_text(part: Document) -> str | None:
    """Return the text of a document of plain text under its name; None for other documents."""
    text = part.source.text
    if text is None and part.source.data is not None and (part.source.media_type or "").startswith("text/"):
        try:
            text = base64.b64decode(part.source.data, validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    if text is None:
        return None
    head = "\n".join(line for line in (part.name, part.context) if line)
    return f"{head}\n\n{text}" if head else text


def _foreign(part: Foreign) -> Fields:
    return dict(part.content)


def _unnamed(what: str, remedy: str) -> InvalidRequest:
    message = f"The server of this model takes {what} by no such id; send {remedy}, or choose another model."
    return InvalidRequest(message, code="unsupported_value", param="messages")


_WRITERS: dict[type, Callable[[Any], Fields]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Audio: _audio,
    Document: _document,
    Foreign: _foreign,
}
