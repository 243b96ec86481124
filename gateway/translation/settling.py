"""What every answer must be, whatever its server sent: each call has an id of its own, and the end tells of calls."""

from collections.abc import Iterable, Iterator

import msgspec

from gateway.translation.answer import Answer, EndReason
from gateway.translation.chat.call_reader import made_id
from gateway.translation.parts import Part, ToolCall


class CallIds:
    """Gives ids to the calls of one answer: some servers send none, or the same for all."""

    def __init__(self) -> None:
        self._given: dict[int, str] = {}
        """By the number of the part."""
        self._used: set[str] = set()

    @property
    def called(self) -> bool:
        """Return whether there was a call."""
        return bool(self._given)

    def settled(self, index: int, part: ToolCall, answer_id: str) -> ToolCall:
        """Return a call with the id that it has; a part keeps it from its beginning to its end."""
        if index not in self._given:
            fresh = bool(part.id) and part.id not in self._used
            self._given[index] = part.id if fresh else made_id(answer_id, index)
            self._used.add(self._given[index])
        found = self._given[index]
        return part if found == part.id else msgspec.structs.replace(part, id=found)


def settled(answer: Answer) -> Answer:
    """Return a whole answer with ids for its calls, and an end that tells of them."""
    parts = tuple(_parts(answer.parts, answer.id))
    return msgspec.structs.replace(
        answer, parts=parts, end=settled_end(answer.end, called=any(isinstance(part, ToolCall) for part in parts))
    )


def _parts(parts: Iterable[Part], answer_id: str) -> Iterator[Part]:
    ids = CallIds()
    for index, part in enumerate(parts):
        yield ids.settled(index, part, answer_id) if isinstance(part, ToolCall) else part


def settled_end(end: EndReason, *, called: bool) -> EndReason:
    """Return the end of an answer: agents wait for ever for calls that are none, and run none that were not told."""
    if end == "tool_calls" and not called:
        return "stop"
    return "tool_calls" if end == "stop" and called else end
