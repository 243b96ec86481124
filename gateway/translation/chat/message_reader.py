"""Messages of a client's request, read in order: results find the calls that have no id."""

from collections import deque
from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation import checks
from gateway.translation.chat.call_reader import arguments_of, made_id, read_call
from gateway.translation.chat.names import CHAT, cache_of, own_of
from gateway.translation.chat.part_reader import read_content
from gateway.translation.chat.thinking import MEMBERS, read_thinking
from gateway.translation.conversation import Turn
from gateway.translation.parts import NOTHING_OWN, Audio, Own, Part, Refusal, Source, Text, ToolCall, ToolResult

Fields = dict[str, Any]

_ROLES = "system, developer, user, assistant, tool, function"
_COMMON = frozenset(("role", "content", "name"))
_ASSISTANT = _COMMON | {"refusal", "audio", "tool_calls", "function_call", "reasoning_details", *MEMBERS}
_RESULT = _COMMON | {"tool_call_id", "cache_control"}


class MessageReader:
    """Reads messages one after the other."""

    def __init__(self) -> None:
        self._custom: set[str] = set()
        """Ids of calls of custom tools."""
        self._waiting: deque[tuple[str, str]] = deque()
        """Calls of the last turn without an id: the one that we made, and the tool's name."""
        self._waiting_by_name: dict[str, deque[str]] = {}
        self._answered: set[str] = set()

    def read(self, message: Fields, where: str, number: int) -> Turn:
        """Return a message as a turn. Raises `InvalidRequest` that names the member at fault."""
        role = checks.required_text(message, "role", where)
        if role in ("system", "developer", "user"):
            return self._plain(message, where, role)
        if role == "assistant":
            return self._assistant(message, where, number)
        if role == "tool":
            return self._result(message, where)
        if role == "function":
            return self._function_result(message, where)
        raise checks.unknown(f"{where}.role", role, _ROLES)

    def _plain(self, message: Fields, where: str, role: Any) -> Turn:
        at = f"{where}.content"
        if message.get("content") is None:
            raise checks.missing(at, "a string or an array of parts")
        parts = read_content(message["content"], at)
        return Turn(role=role, parts=parts, name=checks.text(message, "name", where), own=own_of(message, _COMMON))

    def _assistant(self, message: Fields, where: str, number: int) -> Turn:
        content = read_content(message.get("content") or None, f"{where}.content")
        refusal = checks.text(message, "refusal", where)
        parts = (
            *read_thinking(message, of_client=True),
            *content,
            *([Refusal(text=refusal)] if refusal else ()),
            *_spoken(message, where),
            *self._calls(message, where, number),
        )
        name = checks.text(message, "name", where)
        return Turn(role="assistant", parts=parts, name=name, own=own_of(message, _ASSISTANT))

    def _calls(self, message: Fields, where: str, number: int) -> list[ToolCall]:
        nameless: list[tuple[str, str]] = []
        calls: list[ToolCall] = []
        for at, found in enumerate(checks.objects(message, "tool_calls", where)):
            calls.append(read_call(found, f"{where}.tool_calls[{at}]", default := made_id(number, at)))
            if calls[-1].id == default:
                nameless.append((default, calls[-1].name))
        if legacy := checks.object_(message, "function_call", where):
            name = checks.name_of(legacy, "name", f"{where}.function_call")
            calls.append(ToolCall(id=made_id(number), name=name, arguments=arguments_of(legacy.get("arguments"))))
            nameless.append((calls[-1].id, name))
        if calls:
            self._await(nameless)
            self._custom.update(call.id for call in calls if call.custom)
        return calls

    def _await(self, calls: list[tuple[str, str]]) -> None:
        self._waiting, self._waiting_by_name = deque(calls), {}
        for call_id, name in calls:
            self._waiting_by_name.setdefault(name, deque()).append(call_id)

    def _result(self, message: Fields, where: str) -> Turn:
        name = checks.text(message, "name", where)
        call_id = checks.text(message, "tool_call_id", where) or self._next(name)
        if call_id is None:
            raise checks.missing(f"{where}.tool_call_id", "the id of the tool call that this is the result of")
        return self._turn(message, where, call_id, name)

    def _function_result(self, message: Fields, where: str) -> Turn:
        name = checks.name_of(message, "name", where)
        call_id = self._next(name)
        if call_id is None:
            at = f"{where}.name"
            raise InvalidRequest(f"The field '{at}' names a function that the message before did not call.", param=at)
        return self._turn(message, where, call_id, None)

    def _turn(self, message: Fields, where: str, call_id: str, name: str | None) -> Turn:
        self._answered.add(call_id)
        parts = read_content(message.get("content"), f"{where}.content")
        custom, cache = call_id in self._custom, cache_of(message)
        result = ToolResult(call_id=call_id, parts=_said(parts), custom=custom, cache=cache)
        return Turn(role="tool", parts=(result,), name=name, own=own_of(message, _RESULT))

    def _next(self, name: str | None) -> str | None:
        """Return the first call without an id that has no result yet, of the tool `name` where it is given."""
        if name is not None:
            named = self._waiting_by_name.get(name, deque())
            while named and (call_id := named.popleft()):
                if call_id not in self._answered:
                    return call_id
            return None
        while self._waiting and (call_id := self._waiting.popleft()[0]):
            if call_id not in self._answered:
                return call_id
        return None


def _said(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts of a result; an empty string is none."""
    empty = len(parts) == 1 and parts[0] == Text(text="")
    return () if empty else parts


def _spoken(message: Fields, where: str) -> list[Audio]:
    """Return the assistant's earlier words in audio, which the upstream keeps under an id."""
    audio = checks.object_(message, "audio", where)
    if audio is None:
        return []
    rest: Own = (
        {CHAT: {name: found for name, found in audio.items() if name != "id"}} if len(audio) > 1 else NOTHING_OWN
    )
    return [Audio(source=Source(file_id=checks.name_of(audio, "id", f"{where}.audio")), own=rest)]
