"""Items of a client's input as turns: what the assistant said, thought and called between two answers is one turn."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from gateway.translation import checks
from gateway.translation.conversation import Role, Turn
from gateway.translation.parts import Foreign, Part, Thinking, ToolCall, ToolResult
from gateway.translation.responses.names import RESPONSES, SEPARATOR, dicts_in, own_of, responses_own, text_of
from gateway.translation.responses.part_reader import read_content
from gateway.translation.seals import unwrapped

Fields = dict[str, Any]

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
MESSAGE = "message"
"""Marks the turns that were items of the input, not the request's instructions."""


def read_items(found: Any, where: str = "input") -> tuple[Turn, ...]:
    """Return the turns of an input: a string or an array of items. Raises `InvalidRequest` that names the item."""
    if isinstance(found, str):
        return (Turn(role="user", parts=read_content(found, where), own={RESPONSES: {}}),)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise checks.wrong_type(where, "a string or an array of items")
    turns = (_turn(each, f"{where}[{number}]") for number, each in enumerate(found))
    return tuple(_merged(turns))


def _turn(item: Any, where: str) -> Turn:
    if not isinstance(item, dict):
        raise checks.wrong_type(where, "an object")
    kind = item.get("type", MESSAGE)
    if read := _READERS.get(kind if isinstance(kind, str) else ""):
        return read(item, where)
    if not isinstance(kind, str) or not kind:
        raise checks.wrong_type(f"{where}.type", "a string")
    role: Role = "tool" if kind.endswith("_output") else "assistant"
    return Turn(role=role, parts=(Foreign(dialect=RESPONSES, content=item),), own={RESPONSES: {}})


def _message(item: Fields, where: str) -> Turn:
    role = checks.required_text(item, "role", where)
    if role not in _ROLES:
        raise checks.unknown(f"{where}.role", role, ", ".join(_ROLES))
    if "content" not in item:
        raise checks.missing(f"{where}.content", "a string or an array of parts")
    own = own_of(item, ("type", "role", "content")) or {RESPONSES: {}}
    return Turn(role=_ROLES[role], parts=read_content(item["content"], f"{where}.content"), own=own)


def _call(item: Fields, where: str) -> Turn:
    space = checks.text(item, "namespace", where)
    name = checks.name_of(item, "name", where)
    call = ToolCall(
        id=checks.required_text(item, "call_id", where),
        name=f"{space}{SEPARATOR}{name}" if space else name,
        arguments=checks.text(item, "arguments", where) or "",
        own=own_of(item, ("type", "call_id", "name", "arguments", "status")),
    )
    return _assistant(call)


def _custom_call(item: Fields, where: str) -> Turn:
    call = ToolCall(
        id=checks.required_text(item, "call_id", where),
        name=checks.name_of(item, "name", where),
        arguments=checks.text(item, "input", where) or "",
        custom=True,
        own=own_of(item, ("type", "call_id", "name", "input", "status")),
    )
    return _assistant(call)


def _output(item: Fields, where: str) -> Turn:
    if "output" not in item:
        raise checks.missing(f"{where}.output", "a string or an array of parts")
    result = ToolResult(
        call_id=checks.required_text(item, "call_id", where),
        parts=read_content(item["output"], f"{where}.output"),
        custom=item.get("type") == "custom_tool_call_output",
        own=own_of(item, ("type", "call_id", "output", "status")),
    )
    return Turn(role="tool", parts=(result,), own={RESPONSES: {}})


def _reasoning(item: Fields, where: str) -> Turn:
    return _assistant(thinking_of(item, checks.text(item, "encrypted_content", where)))


def thinking_of(item: Fields, seal: str | None) -> Thinking:
    """Return the reasoning of an item. Of summary and raw text the summary is what was shown."""
    summary, raw = _texts(item.get("summary")), _texts(item.get("content"))
    text = "\n\n".join(summary or raw)
    if seal and (kept := unwrapped(seal, text)):
        return kept
    own = own_of(item, ("type", "id", "encrypted_content", "status", "summary", *([] if summary else ["content"])))
    if not summary and raw:
        own = {RESPONSES: {**responses_own(own), "raw": True}}
    found_id = item.get("id")
    return Thinking(text=text, seal=seal, origin=RESPONSES, id=found_id if isinstance(found_id, str) else None, own=own)


def _texts(found: Any) -> list[str]:
    return [text_of(each.get("text")) for each in dicts_in(found)]


def _assistant(part: Part) -> Turn:
    return Turn(role="assistant", parts=(part,), own={RESPONSES: {}})


def _merged(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Join neighbours of the assistant, and neighbours that are results, to one turn each."""
    for role, group in groupby(turns, lambda turn: turn.role):
        if role in ("assistant", "tool"):
            yield _joined(list(group))
        else:
            yield from group


def _joined(turns: list[Turn]) -> Turn:
    """Return several turns as one; what the items of messages had beside their content stays with their first part."""
    parts = tuple(part for turn in turns for part in turn.parts)
    own = next((turn.own for turn in turns if responses_own(turn.own)), turns[0].own)
    return Turn(role=turns[0].role, parts=parts, own=own)


_READERS: dict[str, Callable[[Fields, str], Turn]] = {
    MESSAGE: _message,
    "function_call": _call,
    "custom_tool_call": _custom_call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
}
