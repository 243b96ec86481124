"""Calls of tools and their results: every call has one result, every result its call, and ids that the target takes.

A result without its call becomes a user's text, a call without its result gets one that says so: clients leave both
behind after an interruption or when they shorten a conversation, and every vendor refuses them.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby

import msgspec

from gateway.profiles.profile import Profile
from gateway.translation.conversation import Conversation, Turn
from gateway.translation.parts import Part, Text, ToolCall, ToolResult

_NO_RESULT = "No result: the call was interrupted."
_NO_CALL = "Result of an earlier tool call:"
_compiled = lru_cache(64)(re.compile)


def with_paired_calls(conversation: Conversation, profile: Profile) -> Conversation:
    """Return a conversation whose calls and results belong together under ids that match the profile's pattern."""
    if not any(isinstance(part, ToolCall | ToolResult) for turn in conversation.turns for part in turn.parts):
        return conversation
    return msgspec.structs.replace(conversation, turns=tuple(_Pairing(profile).turns(conversation.turns)))


class _Pairing:
    def __init__(self, profile: Profile) -> None:
        self._pattern = _compiled(profile.tool_call_id_pattern)
        self._used: set[str] = set()
        self._tried: dict[str, int] = {}
        """How many ids were derived from one of the client's."""
        self._open: dict[str, deque[ToolCall]] = {}
        """Calls that wait for their results, under the client's id; equal ids in their order."""

    def turns(self, turns: Iterable[Turn]) -> Iterable[Turn]:
        for by_assistant, run in groupby(turns, lambda turn: turn.role == "assistant"):
            read = self._asking if by_assistant else self._answering
            yield from read(run)
        yield from self._missing()

    def _asking(self, turns: Iterable[Turn]) -> Iterable[Turn]:
        for turn in turns:
            yield from self._missing()
            yield msgspec.structs.replace(turn, parts=tuple(self._asked(part) for part in turn.parts))

    def _answering(self, turns: Iterable[Turn]) -> Iterable[Turn]:
        """Yield the results among turns, then what else they say: nothing may stand before a call's result."""
        said: list[Turn] = []
        for turn in turns:
            results = [self._answered(part) for part in turn.parts if isinstance(part, ToolResult)]
            paired = tuple(part for part in results if isinstance(part, ToolResult))
            orphans = (part for part in results if not isinstance(part, ToolResult))
            others = (*orphans, *(part for part in turn.parts if not isinstance(part, ToolResult)))
            if paired:
                yield Turn(role="tool", parts=paired, own=turn.own if turn.role == "tool" else {})
            if others:
                role = "user" if turn.role == "tool" else turn.role
                said.append(msgspec.structs.replace(turn, role=role, parts=others))
        yield from self._missing()
        yield from said

    def _asked(self, part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        sent = msgspec.structs.replace(part, id=self._id(part.id))
        self._open.setdefault(part.id, deque()).append(sent)
        return sent

    def _answered(self, result: ToolResult) -> ToolResult | Text:
        asked = result.call_id
        if not asked and len(self._open) == 1:
            asked = next(iter(self._open))
        waiting = self._open.get(asked)
        if not waiting:
            texts = "\n".join(part.text for part in result.parts if isinstance(part, Text))
            return Text(f"{_NO_CALL}\n{texts}")
        call = waiting.popleft()
        if not waiting:
            del self._open[asked]
        return msgspec.structs.replace(result, call_id=call.id, custom=call.custom)

    def _missing(self) -> Iterable[Turn]:
        """Yield results for the calls that got none."""
        calls = [call for waiting in self._open.values() for call in waiting]
        self._open = {}
        if calls:
            yield Turn(role="tool", parts=tuple(_interrupted(call) for call in calls))

    def _id(self, given: str) -> str:
        """Return an id that the target takes and no other call has; the same one for the same conversation."""
        found = given
        while found in self._used or not self._pattern.fullmatch(found):
            number = self._tried.get(given, 0)
            self._tried[given] = number + 1
            found = _derived(f"{given}\0{number}", self._pattern)
        self._used.add(found)
        return found


def _derived(text: str, pattern: re.Pattern[str]) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    candidates = (f"call_{digest[:24]}", digest[:9], digest[:8])
    return next((each for each in candidates if pattern.fullmatch(each)), digest)


def _interrupted(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, (Text(_NO_RESULT),), is_error=True, custom=call.custom)
