"""Parts into content blocks of a request."""

from collections.abc import Callable, Iterable
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.messages.arguments import input_of
from gateway.translation.messages.citations import own_citation
from gateway.translation.messages.media import document_source, image_source
from gateway.translation.messages.names import DIALECT, WHOLE
from gateway.translation.messages.own import kept, with_own
from gateway.translation.parts import (
    Audio,
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

_INNER = ("source", WHOLE)


def write_blocks(parts: Iterable[Part], writing: Writing) -> list[Fields]:
    """Return the blocks of parts; what Messages does not take is left out, and told."""
    blocks: list[Fields] = []
    for part in parts:
        block = _WRITERS[type(part)](part, writing)
        if block is not None:
            blocks.append(block)
        elif part.cache is not None and blocks:
            blocks[-1].setdefault("cache_control", with_own({}, {}, part.cache)["cache_control"])
    return blocks


def text_block(words: str) -> Fields:
    return {"type": "text", "text": words}


def _text(part: Text, writing: Writing) -> Fields | None:
    """Return a text; one of nothing but space is refused everywhere."""
    if whole := kept(part.own).get(WHOLE):
        return with_own(dict(whole), part.own, part.cache, _INNER)
    if not part.text.strip():
        return None
    block = text_block(part.text)
    if citations := [found for each in part.citations if (found := own_citation(each))]:
        block["citations"] = citations
    return with_own(block, part.own, part.cache)


def _refusal(part: Refusal, writing: Writing) -> Fields | None:
    return with_own(text_block(part.text), part.own, part.cache) if part.text.strip() else None


def _image(part: Image, writing: Writing) -> Fields | None:
    source = image_source(part.source)
    if source is None:
        writing.drop("image")
        return None
    source |= kept(part.own).get("source", {})
    return with_own({"type": "image", "source": source}, part.own, part.cache, _INNER)


def _audio(part: Audio, writing: Writing) -> Fields | None:
    """Return the words of audio that the model spoke; Messages hears nothing."""
    if part.transcript and part.transcript.strip():
        return text_block(part.transcript)
    writing.drop("audio")
    return None


def _document(part: Document, writing: Writing) -> Fields | None:
    own = kept(part.own)
    if whole := own.get(WHOLE):
        return with_own(dict(whole), part.own, part.cache, _INNER)
    source = document_source(part.source)
    if source is None or not source.get("data", "-").strip():
        writing.drop("document")
        return None
    extra = own.get("source", {})
    block: Fields = {"type": "document", "source": extra if extra.get("type") else source | extra}
    if part.name is not None:
        block["title"] = part.name
    if part.context is not None:
        block["context"] = part.context
    if part.cite:
        block["citations"] = {"enabled": True}
    return with_own(block, part.own, part.cache, _INNER)


def _call(part: ToolCall, writing: Writing) -> Fields | None:
    block = {"type": "tool_use", "id": part.id, "name": part.name, "input": input_of(part.arguments)}
    return with_own(block, part.own, part.cache)


def _result(part: ToolResult, writing: Writing) -> Fields | None:
    block: Fields = {"type": "tool_result", "tool_use_id": part.call_id}
    if content := write_blocks(part.parts, writing):
        block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return with_own(block, part.own, part.cache)


def _thinking(part: Thinking, writing: Writing) -> Fields | None:
    """Return reasoning with the signature that the upstream itself made; any other is refused."""
    if part.origin != DIALECT or not part.seal:
        return None
    if part.redacted:
        return with_own({"type": "redacted_thinking", "data": part.seal}, part.own)
    return with_own({"type": "thinking", "thinking": part.text, "signature": part.seal}, part.own)


def _foreign(part: Foreign, writing: Writing) -> Fields | None:
    if part.dialect == DIALECT:
        return dict(part.content)
    writing.drop(f"{part.dialect}.{part.type}")
    return None


_WRITERS: dict[type, Callable[[Any, Writing], Fields | None]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Audio: _audio,
    Document: _document,
    ToolCall: _call,
    ToolResult: _result,
    Thinking: _thinking,
    Foreign: _foreign,
}
