"""Tool calls of a stream, which servers cut, number and name in many ways.

| a server | what it does |
|---|---|
| OpenAI | numbers calls, gives id and name once, arguments in pieces |
| Gemini's compatible API | whole calls, without a number or all with number 0, with an empty id |
| some vLLM versions, SGLang | repeat id and name with every piece |
| others | a new id with every piece; the name only with a later one |
"""

from collections.abc import Callable, Iterable

import msgspec

from gateway.lenient import UNREADABLE
from gateway.translation.answer import Closed, Delta, Event, Opened
from gateway.translation.chat.call_reader import made_id
from gateway.translation.chat.chunks import CallDelta
from gateway.translation.chat.names import CHAT, chat_own
from gateway.translation.chat.thinking import signed_call
from gateway.translation.parts import NOTHING_OWN, Own, ToolCall

_is_json = msgspec.json.Decoder(msgspec.Raw).decode
_MOST_CALLS = 1024
"""Of one answer; what comes beyond them is left out."""
_MOST_TRIES = 50
"""Times that the arguments of a call are tried to be read before its end."""


class _Call:
    """One call as far as it has come."""

    def __init__(self, chunk: int) -> None:
        self.chunk = chunk
        """Number of the chunk that began it."""
        self.part = -1
        """Number of its part; -1 as long as it has no name."""
        self.id = ""
        self.given = ""
        """The id that the server gave it."""
        self.name = ""
        self.custom = False
        self.pieces: list[str] = []
        self.depth = 0
        """Opening braces without a closing one, those in strings among them."""
        self.tries = 0
        self.own: Own = NOTHING_OWN
        self.closed = False

    def is_complete(self) -> bool:
        """Return whether its arguments are whole JSON, so that nothing can follow."""
        if self.depth or not self.pieces or self.tries == _MOST_TRIES:
            return False
        self.tries += 1
        try:
            _is_json("".join(self.pieces))
        except UNREADABLE:
            return False
        return True

    def grow(self, text: str) -> None:
        self.pieces.append(text)
        self.depth += text.count("{") - text.count("}")

    def whole(self) -> ToolCall:
        arguments = "".join(self.pieces)
        return ToolCall(id=self.id, name=self.name, arguments=arguments, custom=self.custom, own=self.own)


class CallStream:
    """Tells the calls of a stream apart. `begin` closes what a call ends, and returns the number of its part."""

    def __init__(self, begin: Callable[[list[Event]], int]) -> None:
        self._begin = begin
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    @property
    def called(self) -> bool:
        """Return whether a tool was called."""
        return any(call.part >= 0 for call in self._calls)

    def read(self, deltas: Iterable[CallDelta], answer_id: str, chunk: int, events: list[Event]) -> None:
        """Take the pieces of calls in a chunk, which has the number `chunk`."""
        for delta in deltas:
            name, text = _said(delta)
            call = self._find(delta, name, text, chunk) or self._add(delta, chunk)
            if call is not None and not call.closed:
                self._grow(call, delta, name, text, answer_id, events)

    def close(self, events: list[Event], *, complete_only: bool = False) -> None:
        """Close the open calls, or those of them to which nothing can be added."""
        for call in self._calls:
            if call.part >= 0 and not call.closed and (not complete_only or call.is_complete()):
                call.closed = True
                events.append(Closed(call.part, call.whole()))

    def _find(self, delta: CallDelta, name: str, text: str, chunk: int) -> _Call | None:
        """Return the call that a piece belongs to; None where it begins one."""
        last = self._calls[-1] if self._calls else None
        if delta.index is not None:
            known = self._by_index.get(delta.index)
            return None if known and _is_another(known, delta.id, name, text) else known
        if delta.id and (known := self._by_id.get(delta.id)):
            return known
        if not name:
            return last
        repeated = last is not None and not delta.id and last.name == name and last.chunk != chunk
        return last if last and repeated and not last.is_complete() else None

    def _add(self, delta: CallDelta, chunk: int) -> _Call | None:
        if len(self._calls) == _MOST_CALLS:
            return None
        call = _Call(chunk)
        call.custom = delta.custom is not None
        self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        return call

    def _grow(self, call: _Call, delta: CallDelta, name: str, text: str, answer_id: str, events: list[Event]) -> None:
        if text:
            call.grow(text)
        if delta.id and not call.given:
            call.given = delta.id
        if delta.extra_content is not None:
            call.own = {CHAT: {"extra_content": delta.extra_content}}
        if call.part >= 0:
            if text:
                events.append(Delta(call.part, text))
        elif name:
            self._open(call, name, answer_id, events)

    def _open(self, call: _Call, name: str, answer_id: str, events: list[Event]) -> None:
        call.name = name
        fresh = call.given and call.given not in self._by_id
        call.id = call.given if fresh else made_id(answer_id, len(self._by_id))
        self._by_id[call.id] = call
        self.close(events, complete_only=True)
        if thinking := signed_call(chat_own(call.own).get("extra_content")):
            part = self._begin(events)
            events += (Opened(part, thinking), Closed(part, thinking))
        call.part = self._begin(events)
        events.append(Opened(call.part, ToolCall(id=call.id, name=name, custom=call.custom, own=call.own)))
        if call.pieces:
            events.append(Delta(call.part, "".join(call.pieces)))


def _said(delta: CallDelta) -> tuple[str, str]:
    """Return the name of the tool and the piece of its arguments."""
    if delta.custom:
        return delta.custom.name or "", delta.custom.input or ""
    return (delta.function.name or "", delta.function.arguments or "") if delta.function else ("", "")


def _is_another(known: _Call, given: str | None, name: str, text: str) -> bool:
    """Return whether a piece under the number of a known call begins another one."""
    if not name or not known.name:
        return False
    if given and known.given:
        return given != known.given and (name != known.name or known.is_complete())
    return bool(text) and (name != known.name or known.is_complete())
