"""Streams of Chat Completions and Completions: chunks with choices, one with the token counts, `[DONE]`."""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from gateway import lenient, wire
from gateway.dialects.usage import Usage, from_chat
from gateway.events import with_data
from gateway.streaming import NOTHING, Relay
from gateway.wire import Members

DONE = b"data: [DONE]\n\n"
_NO_USAGE = b',"usage":null}\n\n'
"""The end of an event whose last member is this one."""
_MOST_CHOICES = 1024


class _Function(Struct):
    arguments: Any = None


class _ToolCall(Struct):
    function: _Function | None = None


class _Delta(Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: list[_ToolCall] | None = None


class _BareChoice(Struct):
    index: Any = 0
    finish_reason: Any = None
    text: Any = None
    delta: Any = None


class _Choice(_BareChoice):
    delta: _Delta | None = None


class _Bare(Struct):
    model: Any = None
    object: Any = None
    choices: Any = UNSET
    usage: Raw = NOTHING
    error: Raw = NOTHING


class _BareChunk(_Bare):
    choices: list[_BareChoice] | UnsetType | None = UNSET


class _Chunk(_Bare):
    choices: list[_Choice] | UnsetType | None = UNSET


_UNFINISHED = (None, "", "null")


class ChatRelay(Relay):
    """Takes the usage chunk that nobody asked for out of the stream."""

    shapes = (_Chunk, _BareChunk, _Bare)
    closing = DONE

    def __init__(self, model: str, *, hide_usage: bool) -> None:
        super().__init__(model)
        self._hide_usage = hide_usage
        self._announced = False
        self._open: set[int] = set()
        """Choices that began and are not finished; more than one where the client asked for `n`."""
        self._closed: set[int] = set()

    def name_of(self, fields: _Bare) -> Any:
        return fields.model

    def read_text(self, payload: bytes, event: bytes) -> bytes:
        self.done = payload.strip() == b"[DONE]"
        return event

    def read(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        if lenient.says(fields.error) or fields.object == "error":
            return self.failed(payload, event)
        choices: Any = fields.choices
        if choices and isinstance(choices, list):
            self._read_choices(choices)
        if fields.usage is NOTHING:
            return event if choices is not None else _changed(event, payload, {"choices": []})
        return self._read_usage(fields, payload, event)

    def _read_choices(self, choices: list[_Choice]) -> None:
        for choice in choices:
            if choice.text:
                self.wrote(choice.text)
            if type(delta := choice.delta) is _Delta:
                self._read_delta(delta)
            if choice.finish_reason is None and choice.index in self._open:
                continue
            self._read_finish(choice)
        self.opened, self._announced = self.opened or self._announced, True

    def _read_delta(self, delta: _Delta) -> None:
        if text := delta.content or delta.reasoning_content or delta.reasoning:
            self.wrote(text)
        for call in delta.tool_calls or ():
            if call.function and call.function.arguments:
                self.wrote(call.function.arguments)

    def _read_finish(self, choice: _BareChoice) -> None:
        index = choice.index if isinstance(choice.index, int) else 0
        if choice.finish_reason not in _UNFINISHED:
            self._closed.add(index)
            self._open.discard(index)
            self.opened = True
        elif index not in self._closed and len(self._open) < _MOST_CHOICES:
            self._open.add(index)
        self.finished = not self._open

    def _read_usage(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        """Learn the counts, and show them only to a client that asked for them."""
        there = lenient.says(fields.usage)
        usage = from_chat(lenient.value(fields.usage)) if there else None
        self.usage = usage or self.usage
        choices: Any = fields.choices
        alone = choices is None or choices is UNSET or not choices
        if self._hide_usage:
            if there and alone:
                return b""
            return event[: -len(_NO_USAGE)] + b"}\n\n" if event.endswith(_NO_USAGE) else _without_usage(event, payload)
        more: dict[str, Any] = {"choices": []} if alone and not isinstance(choices, list) else {}
        return self._priced(event, payload, usage, more)

    def _priced(self, event: bytes, payload: bytes, usage: Usage | None, more: dict[str, Any]) -> bytes:
        if usage is None or self.cost_usd is None:
            return _changed(event, payload, more) if more else event
        fields = lenient.members(payload)
        put_cost(fields, self.cost_usd(usage))
        return _changed(event, wire.encode(fields), more)


def _changed(event: bytes, payload: bytes, members: dict[str, Any]) -> bytes:
    """Return an event with other values in some of its members."""
    fields = lenient.members(payload)
    for name, content in members.items():
        wire.put(fields, name, content)
    return with_data(event, wire.encode(fields))


def _without_usage(event: bytes, payload: bytes) -> bytes:
    fields = lenient.members(payload)
    fields.pop("usage", None)
    return with_data(event, wire.encode(fields))


def put_cost(answer: Members, usd: float | None) -> None:
    """`usage.cost` as OpenRouter sends it, which Open WebUI keeps with the message."""
    if usd is None or wire.kind(answer, "usage") is not dict:
        return
    usage = lenient.members(bytes(answer["usage"]))
    wire.put(usage, "cost", usd)
    wire.put(answer, "usage", usage)


def as_stream(answer: Members) -> bytes | None:
    """Return a whole answer as the stream that was asked for, or None where it is no answer of this wire."""
    choices = lenient.peek(answer, "choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(each, dict) for each in choices):
        return None
    usage = answer.pop("usage", None)
    answer["object"] = Raw(_CHUNK_OBJECTS.get(bytes(answer.get("object", b"")), b'"chat.completion.chunk"'))
    events = [with_data(b"", wire.encode({**answer, "choices": [_as_delta(each)]})) for each in choices]
    if usage is not None:
        events.append(with_data(b"", wire.encode({**answer, "choices": [], "usage": usage})))
    return b"".join([*events, DONE])


def _as_delta(choice: dict[str, Any]) -> dict[str, Any]:
    """Return a choice with its message as a delta, in which tool calls are numbered."""
    if not isinstance(message := choice.pop("message", None), dict):
        return choice
    if isinstance(calls := message.get("tool_calls"), list):
        message["tool_calls"] = [{"index": at, **each} for at, each in enumerate(calls) if isinstance(each, dict)]
    return {"index": 0, **choice, "delta": message}


_CHUNK_OBJECTS = {b'"text_completion"': b'"text_completion"'}
