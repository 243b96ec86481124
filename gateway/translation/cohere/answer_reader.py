"""A whole answer of Cohere's Chat into the canonical form, with tolerance of whatever an upstream sends."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.dialects.usage import from_cohere
from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer
from gateway.translation.checks import Fields
from gateway.translation.cohere.citations import citations_of, logprobs_of
from gateway.translation.cohere.names import DIALECT, PLAN, THOUGHT, end_of
from gateway.translation.messages.answer_reader import object_of, raw_arguments, text_of
from gateway.translation.parts import Citation, Part, Text, Thinking, ToolCall


def read_answer(fields: Fields, profile: Profile) -> Answer:
    """Read an answer. Never raises."""
    message = object_of(fields.get("message"))
    content = [*_content(message)]
    plan, calls = text_of(message.get("tool_plan")), [call_of(each) for each in _objects(message.get("tool_calls"))]
    planned = [Thinking(text=plan, seal=PLAN, origin=DIALECT)] if plan else []
    likely = logprobs_of(fields.get("logprobs"))
    return Answer(
        id=text_of(fields.get("id")),
        model="",
        parts=(*_cited(content, _objects(message.get("citations"))), *planned, *calls),
        end=end_of(fields.get("finish_reason"), bool(calls)),
        usage=from_cohere(fields.get("usage")),
        logprobs={"content": likely} if likely else None,
    )


def call_of(call: Fields) -> ToolCall:
    """Return a call; one without arguments may have them as `null`."""
    function = object_of(call.get("function"))
    arguments = raw_arguments(function.get("arguments"))
    named = text_of(function.get("name"))
    return ToolCall(id=text_of(call.get("id")), name=named, arguments=settled_arguments(arguments))


def settled_arguments(arguments: str) -> str:
    """Return the arguments of a call as an object, where the model wrote none."""
    return "{}" if arguments.strip() in ("", "null") else arguments


def _content(message: Fields) -> Iterator[Part]:
    found = message.get("content")
    for block in [{"text": found}] if isinstance(found, str) else _objects(found):
        if block.get("type") == "thinking" or "thinking" in block:
            yield Thinking(text=text_of(block.get("thinking")), seal=THOUGHT, origin=DIALECT)
        else:
            yield Text(text=text_of(block.get("text")))


def _cited(content: list[Part], found: list[Fields]) -> Iterator[Part]:
    """Yield the parts of the content, each text with its citations; those that name no block are of the first text."""
    first = next((at for at, part in enumerate(content) if isinstance(part, Text)), 0)
    citations: dict[int, list[Citation]] = {}
    for each in found:
        at = _index(each.get("content_index"), content)
        citations.setdefault(first if at is None else at, []).extend(citations_of(each))
    for at, part in enumerate(content):
        cited = citations.get(at)
        yield msgspec.structs.replace(part, citations=tuple(cited)) if cited and isinstance(part, Text) else part


def _index(found: Any, content: list[Part]) -> int | None:
    """Return the place of a text; None where there is none."""
    return found if type(found) is int and 0 <= found < len(content) and isinstance(content[found], Text) else None


def _objects(found: Any) -> list[Fields]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
