"""Parts of turns as Cohere's messages hold them, and the documents that stand beside the messages."""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation.chat.part_writer import plain_text
from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.cohere.names import DIALECT
from gateway.translation.data_urls import url_of
from gateway.translation.parts import Audio, Document, Foreign, Image, Part, Refusal, Text

_DETAILS = ("auto", "low", "high")
_LONGEST_SHOWN = 200


class PartsWriter:
    """Writes the parts of one request."""

    def __init__(self, writing: Writing, *, documents: bool) -> None:
        """Take whether documents may stand beside the messages; else they are texts in them."""
        self._writing = writing
        self._beside = documents
        self.documents: list[Fields] = []
        """Documents that the answer may cite."""

    def write(self, parts: Iterable[Part]) -> str | list[Fields]:
        """Return the content of a message: a text where it is one, else blocks. Raises `InvalidRequest`."""
        blocks = [block for part in parts if (block := self._block(part))]
        return blocks[0]["text"] if len(blocks) == 1 and "text" in blocks[0] else blocks

    def text(self, parts: Iterable[Part]) -> str:
        """Return what of parts is text; nothing else can stand where the model or a tool speaks."""
        return "\n".join(found for part in parts if (found := self._words(part)))

    def _block(self, part: Part) -> Fields | None:
        writer = _WRITERS.get(type(part))
        if writer is not None:
            return writer(self, part)
        words = self._words(part)
        return {"type": "text", "text": words} if words else None

    def _words(self, part: Part) -> str:
        if isinstance(part, Text | Refusal):
            return part.text
        if isinstance(part, Audio) and part.transcript:
            return part.transcript
        if isinstance(part, Document) and (text := plain_text(part)) is not None:
            return text
        self._writing.drop(_NAMES.get(type(part)) or f"messages.{getattr(part, 'type', 'part')}")
        return ""

    def _image(self, part: Image) -> Fields:
        url = url_of(part.source, "image/png")
        if url is None:
            raise _refused("takes no images by the id of a file; send the image itself or its address")
        detail = {"detail": part.detail} if part.detail in _DETAILS else {}
        if part.detail and not detail:
            self._writing.drop("image_url.detail")
        return {"type": "image_url", "image_url": {"url": url, **detail}}

    def _document(self, part: Document) -> Fields | None:
        text = plain_text(part)
        if text is None:
            where = (part.source.url or "")[:_LONGEST_SHOWN]
            raise _refused(f"takes documents as plain text alone{f' (not {where!r})' if where else ''}; send the text")
        if not self._beside:
            return {"type": "text", "text": text}
        data = {"title": part.name, "text": text.partition("\n\n")[2] if part.name or part.context else text}
        if part.context:
            data["context"] = part.context
        named = {name: value for name, value in data.items() if value is not None}
        self.documents.append({"id": f"doc-{len(self.documents)}", "data": named})
        return None

    def _foreign(self, part: Foreign) -> Fields | None:
        if part.dialect == DIALECT:
            return dict(part.content)
        self._writing.drop(f"messages.{part.type}")
        return None


def _refused(words: str) -> InvalidRequest:
    return InvalidRequest(f"The model's server {words}.", code="unsupported_media", param="messages")


_NAMES: dict[type, str] = {Image: "image", Audio: "audio", Document: "document"}
_WRITERS: dict[type, Callable[[PartsWriter, Any], Fields | None]] = {
    Image: PartsWriter._image,
    Document: PartsWriter._document,
    Foreign: PartsWriter._foreign,
}
