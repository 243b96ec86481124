"""A whole Converse answer into the canonical form, with tolerance of whatever an upstream sends."""

from collections.abc import Callable
from typing import Any

from gateway.dialects.usage import from_converse
from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer, EndReason
from gateway.translation.checks import Fields
from gateway.translation.converse.citations import citation_of
from gateway.translation.converse.names import DIALECT, ENDS, IMAGE_TYPES
from gateway.translation.messages.answer_reader import object_of, raw_arguments, text_of
from gateway.translation.parts import Foreign, Image, Part, Source, Text, Thinking, ToolCall


def read_answer(fields: Fields, profile: Profile) -> Answer:
    """Read an answer. Never raises."""
    message = object_of(object_of(fields.get("output")).get("message"))
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    parts = tuple(part for each in blocks if isinstance(each, dict) and (part := part_of(each)))
    sequence = stop_sequence_of(fields)
    return Answer(
        id="",
        model="",
        parts=parts,
        end=end_of(fields.get("stopReason"), any(isinstance(part, ToolCall) for part in parts), sequence),
        stop_sequence=sequence,
        usage=from_converse(fields.get("usage")),
        service_tier=tier_of(fields),
    )


def end_of(reason: Any, called: bool, sequence: str | None = None) -> EndReason:
    """Return how an answer ended; one of a reason that is not known ended with its calls, or by itself."""
    found = ENDS.get(reason) if isinstance(reason, str) else None
    if found in (None, "stop"):
        return "stop_sequence" if sequence else found or ("tool_calls" if called else "stop")
    return found


def stop_sequence_of(fields: Fields) -> str | None:
    """Return the stop sequence that ended an answer, which is told where it was asked for."""
    return text_of(object_of(fields.get("additionalModelResponseFields")).get("stop_sequence")) or None


def tier_of(fields: Fields) -> str | None:
    return text_of(object_of(fields.get("serviceTier")).get("type")) or None


def part_of(block: Fields) -> Part | None:
    """Return the part that a block is; None where nothing is in it. A block that is not known is kept as it is."""
    for name, reader in _READERS.items():
        if name in block:
            return reader(block[name])
    return Foreign(dialect=DIALECT, content=block) if block else None


def _text(found: Any) -> Part:
    return Text(text=text_of(found))


def call_of(found: Fields, arguments: str) -> Part:
    """Return a call; one of a tool that Bedrock itself runs is no call for the client."""
    if found.get("type") == "server_tool_use":
        return Foreign(dialect=DIALECT, content={"toolUse": found})
    return ToolCall(id=text_of(found.get("toolUseId")), name=text_of(found.get("name")), arguments=arguments)


def _call(found: Any) -> Part:
    call = object_of(found)
    return call_of(call, raw_arguments(call.get("input")))


def _thinking(found: Any) -> Part:
    content = object_of(found)
    if "redactedContent" in content:
        return Thinking(seal=text_of(content["redactedContent"]) or None, redacted=True, origin=DIALECT)
    said = object_of(content.get("reasoningText"))
    return Thinking(text=text_of(said.get("text")), seal=text_of(said.get("signature")) or None, origin=DIALECT)


def _cited(found: Any) -> Part:
    content, sources = object_of(found).get("content"), object_of(found).get("citations")
    texts = content if isinstance(content, list) else []
    said = "".join(text_of(object_of(each).get("text")) for each in texts)
    named = sources if isinstance(sources, list) else []
    return Text(text=said, citations=tuple(citation_of(each) for each in named if isinstance(each, dict)))


def _image(found: Any) -> Part:
    image = object_of(found)
    data = text_of(object_of(image.get("source")).get("bytes")) or None
    return Image(source=Source(data=data, media_type=IMAGE_TYPES.get(text_of(image.get("format")))))


_READERS: dict[str, Callable[[Any], Part]] = {
    "text": _text,
    "toolUse": _call,
    "reasoningContent": _thinking,
    "citationsContent": _cited,
    "image": _image,
}
