"""Parts into content blocks of a request."""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.converse.media import audio_block, document_block, image_block
from gateway.translation.converse.names import DIALECT
from gateway.translation.messages.arguments import input_of
from gateway.translation.parts import (
    Audio,
    CacheMark,
    Document,
    Foreign,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Marked = tuple[Fields, CacheMark | None]
"""A block, and the mark that is to stand after it."""
NO_OUTPUT = "(no output)"
"""Stands for a result without content, which some models refuse."""


class BlocksWriter:
    """Writes the blocks of one request. Documents are numbered through it, as no two may have one name."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._documents = 0

    def write(self, parts: Iterable[Part]) -> list[Marked]:
        """Return the blocks of parts; what Converse does not take is left out, and told.

        Raises `InvalidRequest` for media that it can neither take nor do without.
        """
        blocks: list[Marked] = []
        for part in parts:
            found = _WRITERS[type(part)](self, part)
            if found:
                blocks += [(block, None) for block in found[:-1]]
                blocks.append((found[-1], part.cache))
            elif part.cache is not None and blocks:
                blocks[-1] = (blocks[-1][0], blocks[-1][1] or part.cache)
        return blocks

    def _text(self, part: Text | Refusal) -> list[Fields]:
        """Return a text; one of nothing but space is refused."""
        return [{"text": part.text}] if part.text.strip() else []

    def _image(self, part: Image) -> list[Fields]:
        return [{"image": image_block(part.source)}]

    def _audio(self, part: Audio) -> list[Fields]:
        """Return audio, or the words of what the model spoke."""
        if part.transcript and part.transcript.strip():
            return [{"text": part.transcript}]
        if (found := audio_block(part)) is None:
            self._writing.drop("audio")
            return []
        return [{"audio": found}]

    def _document(self, part: Document) -> list[Fields]:
        """Return a document under a neutral name, after a text that tells the name of its file.

        Names are written into the model's prompt, where one of a person's choice could give orders.
        """
        self._documents += 1
        name = f"document-{self._documents}"
        named = [{"text": f"The file of {name} is named: {part.name}"}] if part.name and part.name.strip() else []
        return [*named, {"document": document_block(part, name)}]

    def _call(self, part: ToolCall) -> list[Fields]:
        return [{"toolUse": {"toolUseId": part.id, "name": part.name, "input": input_of(part.arguments)}}]

    def _result(self, part: ToolResult) -> list[Fields]:
        content = [block for block, _ in self.write(part.parts) if next(iter(block)) in _IN_RESULT]
        result: Fields = {"toolUseId": part.call_id, "content": content or [{"text": NO_OUTPUT}]}
        if part.is_error:
            result["status"] = "error"
        return [{"toolResult": result}]

    def _thinking(self, part: Thinking) -> list[Fields]:
        """Return reasoning with the signature that the upstream itself made; any other is refused."""
        if part.origin != DIALECT or not part.seal:
            return []
        if part.redacted:
            return [{"reasoningContent": {"redactedContent": part.seal}}]
        return [{"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.seal}}}]

    def _foreign(self, part: Foreign) -> list[Fields]:
        if part.dialect == DIALECT:
            return [dict(part.content)]
        self._writing.drop(f"{part.dialect}.{part.type}")
        return []


_IN_RESULT = frozenset(("text", "image", "document", "json", "video", "searchResult"))
_WRITERS: dict[type, Callable[[BlocksWriter, Any], list[Fields]]] = {
    Text: BlocksWriter._text,
    Refusal: BlocksWriter._text,
    Image: BlocksWriter._image,
    Audio: BlocksWriter._audio,
    Document: BlocksWriter._document,
    ToolCall: BlocksWriter._call,
    ToolResult: BlocksWriter._result,
    Thinking: BlocksWriter._thinking,
    Foreign: BlocksWriter._foreign,
}
