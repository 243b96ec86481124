"""Turns into messages: one of the system, the first, then users, the model and tools as they come."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

import msgspec

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.cohere.names import DIALECT, PLAN
from gateway.translation.cohere.parts_writer import PartsWriter
from gateway.translation.conversation import Turn
from gateway.translation.parts import Part, Thinking, ToolCall, ToolResult
from gateway.translation.turns import marked

_INSTRUCTING = ("system", "developer")
NO_OUTPUT = "(no output)"
"""Stands for a result without content, which is refused."""
_DOCUMENTS = "See the documents."
"""What a user says who sent nothing but documents."""


def write_turns(turns: Sequence[Turn], parts: PartsWriter, writing: Writing) -> list[Fields]:
    """Return the messages. System turns at the beginning are one message; one further on is a text of the user between
    `<system>` and `</system>`. A conversation of nothing but system turns asks with the last of them.
    """
    leading = len(list(takewhile(lambda turn: turn.role in _INSTRUCTING, turns)))
    if leading and leading == len(turns):
        turns = (*turns[:-1], msgspec.structs.replace(turns[-1], role="user"))
        leading -= 1
    if any(turn.name is not None for turn in turns):
        writing.drop("name")
    texts = [text for turn in turns[:leading] if (text := parts.text(turn.parts)).strip()]
    system = [{"role": "system", "content": "\n\n".join(texts)}] if texts else []
    return [*system, *(message for turn in turns[leading:] for message in _messages(turn, parts))]


def _messages(turn: Turn, parts: PartsWriter) -> Iterator[Fields]:
    if turn.role == "assistant":
        yield from _assistant(turn.parts, parts)
        return
    for part in turn.parts:
        if isinstance(part, ToolResult):
            content = parts.text(part.parts)
            yield {"role": "tool", "tool_call_id": part.call_id, "content": content or NO_OUTPUT}
    rest: list[Part] = [part for part in turn.parts if not isinstance(part, ToolResult)]
    if turn.role in _INSTRUCTING:
        rest = [marked(part) for part in rest]
    before = len(parts.documents)
    asked = parts.write(rest) or (_DOCUMENTS if len(parts.documents) > before else "")
    yield from [{"role": "user", "content": asked}] if asked else []


def _assistant(found: Sequence[Part], parts: PartsWriter) -> Iterator[Fields]:
    """Yield a message of the model: what it says before calls is its plan, unless it has another one."""
    calls = [_call(part) for part in found if isinstance(part, ToolCall)]
    own = [part for part in found if isinstance(part, Thinking) and part.origin in (None, DIALECT) and part.text]
    plan = "".join(part.text for part in own if part.seal == PLAN)
    thoughts = [{"type": "thinking", "thinking": part.text} for part in own if part.seal != PLAN]
    text = parts.text(part for part in found if not isinstance(part, Thinking | ToolCall))
    if calls and not plan:
        plan, text = text, ""
    blocks: list[Fields] = [*thoughts, *([{"type": "text", "text": text}] if text.strip() else [])]
    fields: Fields = {"role": "assistant", "tool_calls": calls, "tool_plan": plan if calls else ""}
    fields["content"] = text if not thoughts and text.strip() else blocks
    if calls or blocks:
        yield {name: value for name, value in fields.items() if value}


def _call(part: ToolCall) -> Fields:
    arguments = part.arguments if part.arguments.strip() else "{}"
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": arguments}}
