"""Calls of tools and their results: every call has one result, every result its call, and ids that the target takes.

A result without its call becomes a user's text, a call without its result gets one that says so: clients leave both
behind after an interruption or when they shorten a conversation, and every vendor refuses them.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterable
from functools import lru_cache

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
        self._open: dict[str, deque[ToolCall]] = {}
        """Calls that wait for their results, under the client's id; equal ids in their order."""

    def turns(self, turns: Iterable[Turn]) -> Iterable[Turn]:
        for turn in turns:
            if self._open and turn.role == "assistant":
                yield from self._missing()
            if turn.role == "assistant":
                yield msgspec.structs.replace(turn, parts=tuple(self._asked(part) for part in turn.parts))
                continue
            results = [self._answered(part) for part in turn.parts if isinstance(part, ToolResult)]
            others = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
            yield from self._split(turn, results, others)
        yield from self._missing()

    def _split(self, turn: Turn, results: list[ToolResult | Text], others: tuple[Part, ...]) -> Iterable[Turn]:
        """Yield a turn's results, then what else it says."""
        paired = tuple(part for part in results if isinstance(part, ToolResult))
        orphans = tuple(part for part in results if not isinstance(part, ToolResult))
        if paired:
            yield Turn(role="tool", parts=paired, own=turn.own if turn.role == "tool" else {})
        if others and self._open:
            yield from self._missing()
        if others or orphans:
            role = "user" if turn.role == "tool" else turn.role
            yield msgspec.structs.replace(turn, role=role, parts=(*orphans, *others))

    def _asked(self, part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        sent = msgspec.structs.replace(part, id=self._id(part.id))
        self._open.setdefault(part.id, deque()).append(sent)
        return sent

    def _answered(self, result: ToolResult) -> ToolResult | Text:
        waiting = self._open.get(result.call_id)
        if not waiting and not result.call_id and len(self._open) == 1:
            waiting = next(iter(self._open.values()))
        if not waiting:
            texts = "\n".join(part.text for part in result.parts if isinstance(part, Text))
            return Text(f"{_NO_CALL}\n{texts}")
        call = waiting.popleft()
        self._open = {name: calls for name, calls in self._open.items() if calls}
        return msgspec.structs.replace(result, call_id=call.id, custom=call.custom)

    def _missing(self) -> Iterable[Turn]:
        """Yield results for the calls that got none."""
        calls = [call for waiting in self._open.values() for call in waiting]
        self._open = {}
        if calls:
            yield Turn(role="tool", parts=tuple(_interrupted(call) for call in calls))

    def _id(self, given: str) -> str:
        """Return an id that the target takes and no other call has; the same one for the same conversation."""
        found, number = given, 0
        while found in self._used or not self._pattern.fullmatch(found):
            found = _derived(f"{given}\0{number}", self._pattern)
            number += 1
        self._used.add(found)
        return found


def _derived(text: str, pattern: re.Pattern[str]) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    candidates = (f"call_{digest[:24]}", digest[:9], digest[:8])
    return next((each for each in candidates if pattern.fullmatch(each)), digest)


def _interrupted(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, (Text(_NO_RESULT),), is_error=True, custom=call.custom)
