"""An upstream's whole answer of Responses in the canonical form."""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.dialects.usage import from_responses
from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer, EndReason
from gateway.translation.parts import Foreign, Part, Refusal, Text, ToolCall
from gateway.translation.responses.item_reader import thinking_of
from gateway.translation.responses.names import RESPONSES, SEPARATOR, dicts_in, own_of, text_of
from gateway.translation.responses.part_reader import citation

Fields = dict[str, Any]


def read_answer(answer: Fields, profile: Profile) -> Answer:
    """Return an answer; what cannot be read is left out."""
    parts = tuple(part for item in dicts_in(answer.get("output")) for part in parts_of(item))
    created = answer.get("created_at")
    tier = answer.get("service_tier")
    return Answer(
        id=text_of(answer.get("id")),
        model=text_of(answer.get("model")),
        parts=parts,
        end=end_of(answer, parts),
        usage=from_responses(answer.get("usage")),
        created=int(created) if isinstance(created, int | float) and not isinstance(created, bool) else None,
        service_tier=tier if isinstance(tier, str) else None,
    )


def end_of(answer: Fields, parts: tuple[Part, ...]) -> EndReason:
    """Return why an answer ended."""
    details = answer.get("incomplete_details")
    if answer.get("status") == "incomplete":
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    return "refusal" if any(isinstance(part, Refusal) for part in parts) else "stop"


def parts_of(item: Fields) -> Iterator[Part]:
    """Yield the parts of one item of the output."""
    kind = item.get("type")
    if read := _READERS.get(kind if isinstance(kind, str) else ""):
        yield from read(item)
    elif isinstance(kind, str):
        yield Foreign(dialect=RESPONSES, content=item)


def _message(item: Fields) -> Iterator[Part]:
    for part in dicts_in(item.get("content")):
        if part.get("type") == "refusal":
            yield Refusal(text=text_of(part.get("refusal")))
        elif isinstance(part.get("text"), str):
            citations = tuple(citation(each) for each in dicts_in(part.get("annotations")))
            rest = own_of(part, ("type", "text", "annotations", "logprobs"))
            own = (
                {RESPONSES: {**rest.get(RESPONSES, {}), "logprobs": part["logprobs"]}} if part.get("logprobs") else rest
            )
            yield Text(text=part["text"], citations=citations, own=own)


def _call(item: Fields) -> Iterator[Part]:
    yield call_of(item, text_of(item.get("arguments")))


def _custom_call(item: Fields) -> Iterator[Part]:
    yield call_of(item, text_of(item.get("input")))


def call_of(item: Fields, arguments: str) -> ToolCall:
    """Return the call of an item with its arguments, or with none at its beginning."""
    space, name = item.get("namespace"), text_of(item.get("name"))
    return ToolCall(
        id=text_of(item.get("call_id")) or text_of(item.get("id")),
        name=f"{space}{SEPARATOR}{name}" if isinstance(space, str) and space else name,
        arguments=arguments,
        custom=item.get("type") == "custom_tool_call",
        own=own_of(item, ("type", "call_id", "name", "arguments", "input", "status")),
    )


def _reasoning(item: Fields) -> Iterator[Part]:
    yield thinking_of(item, text_of(item.get("encrypted_content")) or None)


_READERS: dict[str, Callable[[Fields], Iterator[Part]]] = {
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _custom_call,
    "reasoning": _reasoning,
}
