"""Turns as input items of Responses."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from gateway import wire
from gateway.translation.codec import Writing
from gateway.translation.conversation import Turn
from gateway.translation.data_urls import url_of
from gateway.translation.parts import (
    Audio,
    Document,
    Foreign,
    Image,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from gateway.translation.responses.names import RESPONSES, responses_own
from gateway.translation.responses.part_writer import annotations_of, reasoning_item

Fields = dict[str, Any]

_PDF = "application/pdf"
_NOT_SENT = ("raw", "namespace")


def items_of(turn: Turn, writing: Writing) -> Iterator[Fields]:
    """Yield the items of a turn. What has no place there is noted in `writing`."""
    said: list[Fields] = []
    for part in turn.parts:
        if content := _content(part, turn.role, writing):
            said.append(content)
            continue
        item = _item(part, writing)
        if item is None:
            continue
        if said:
            yield _message(turn, said)
            said = []
        yield item
    if said:
        yield _message(turn, said)


def _message(turn: Turn, content: list[Fields]) -> Fields:
    own = responses_own(turn.own)
    if turn.role != "assistant" or "id" in own:
        return {"type": "message", "role": turn.role, "content": content, **own}
    if len(content) == 1 and content[0] == {"type": "output_text", "text": content[0].get("text"), "annotations": []}:
        return {"type": "message", "role": "assistant", "content": content[0]["text"], **own}
    return {
        "type": "message",
        "id": _id_of(content),
        "role": "assistant",
        "status": "completed",
        "content": content,
        **own,
    }


def _id_of(content: list[Fields]) -> str:
    """Return the id that the vendor demands of an answer that is sent back; the same content has the same one."""
    return "msg_" + hashlib.blake2b(wire.encode(content), digest_size=16).hexdigest()


def _content(part: Part, role: str, writing: Writing) -> Fields | None:
    """Return a part of a message's content; None where it is an item of its own."""
    if isinstance(part, Text) and role == "assistant":
        annotations = annotations_of(part.citations)
        return {"type": "output_text", "text": part.text, "annotations": annotations, **responses_own(part.own)}
    write = _CONTENT.get(type(part))
    return write(part, writing) if write else None


def _text(part: Any, writing: Writing) -> Fields:
    return {"type": "input_text", "text": part.text, **responses_own(part.own)}


def _refusal(part: Any, writing: Writing) -> Fields:
    return {"type": "refusal", "refusal": part.text, **responses_own(part.own)}


def _image(part: Any, writing: Writing) -> Fields:
    source: Source = part.source
    place = {"file_id": source.file_id} if source.file_id else {"image_url": url_of(source, "image/png")}
    return {"type": "input_image", **place, "detail": part.detail or "auto", **responses_own(part.own)}


def _document(part: Any, writing: Writing) -> Fields:
    source: Source = part.source
    if source.text is not None:
        head = f"[{part.name}]\n" if part.name else ""
        return {"type": "input_text", "text": head + source.text}
    fields: Fields = {"type": "input_file"}
    if source.file_id:
        fields["file_id"] = source.file_id
    elif source.url:
        fields["file_url"] = source.url
    else:
        fields["filename"] = part.name or "document.pdf"
        fields["file_data"] = url_of(source, _PDF)
    if part.name:
        fields["filename"] = part.name
    return {**fields, **responses_own(part.own)}


def _audio(part: Any, writing: Writing) -> Fields | None:
    if part.source.data is None:
        writing.drop("messages.audio")
        return {"type": "input_text", "text": part.transcript} if part.transcript else None
    sound = {"data": part.source.data, "format": part.format or "wav"}
    return {"type": "input_audio", "input_audio": sound, **responses_own(part.own)}


_CONTENT: dict[type, Callable[[Any, Writing], Fields | None]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Document: _document,
    Audio: _audio,
}


def _item(part: Part, writing: Writing) -> Fields | None:
    """Return a part that is an item of its own; None where it is left out."""
    if isinstance(part, ToolCall):
        return call_item(part)
    if isinstance(part, ToolResult):
        return _result(part, writing)
    if isinstance(part, Thinking):
        return reasoning_item(part) if part.origin == RESPONSES and (part.seal or part.own) else None
    if isinstance(part, Foreign):
        if part.dialect == RESPONSES:
            return dict(part.content)
        writing.drop(f"messages.{part.type}")
    return None


def call_item(part: ToolCall) -> Fields:
    """Return a call of a tool as an item."""
    own = {name: found for name, found in responses_own(part.own).items() if name != "namespace"}
    space = responses_own(part.own).get("namespace")
    if part.custom:
        return {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments, **own}
    name = part.name
    if isinstance(space, str) and name.startswith(f"{space}__"):
        own = {"namespace": space, **own}
        name = name[len(space) + 2 :]
    return {"type": "function_call", "call_id": part.id, "name": name, "arguments": part.arguments or "{}", **own}


def _result(part: ToolResult, writing: Writing) -> Fields:
    kind = "custom_tool_call_output" if part.custom else "function_call_output"
    return {"type": kind, "call_id": part.call_id, "output": _output(part, writing), **responses_own(part.own)}


def _output(part: ToolResult, writing: Writing) -> str | list[Fields]:
    """Return the output of a tool: a text where it is one, else its parts."""
    if not part.parts:
        return ""
    if len(part.parts) == 1 and isinstance(part.parts[0], Text) and not part.parts[0].own:
        return part.parts[0].text
    for each in part.parts:
        if isinstance(each, Foreign):
            writing.drop(f"tool_result.{each.type}")
    return [content for each in part.parts if (content := _content(each, "user", writing))]
