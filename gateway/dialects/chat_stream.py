"""Streams of Chat Completions and Completions: chunks with choices, one with the token counts, `[DONE]`."""

from operator import attrgetter
from typing import Any, ClassVar

from msgspec import UNSET, Raw, Struct, UnsetType

from gateway import lenient, wire
from gateway.dialects.framing import with_data
from gateway.dialects.passthrough import NOTHING, PassThrough
from gateway.dialects.relay import BROKEN, DONE, FINISHED, OPENED, WAITING
from gateway.dialects.usage import from_chat
from gateway.wire import Members

DONE_EVENT = b"data: [DONE]\n\n"
_NO_USAGE = b',"usage":null}\n\n'
"""The end of an event whose last member is this one."""
_MOST_CHOICES = 1024


class _Function(Struct, gc=False):
    arguments: Any = None


class _ToolCall(Struct, gc=False):
    function: _Function | None = None


class _Delta(Struct, gc=False):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    function_call: _Function | None = None
    tool_calls: list[_ToolCall] | None = None


class _BareChoice(Struct, gc=False):
    index: ClassVar[int] = 0
    finish_reason: Any = None
    text: Any = None
    delta: Any = None


class _Choice(Struct, gc=False):
    index: int = 0
    finish_reason: Any = None
    text: Any = None
    delta: _Delta | None = None


class _Bare(Struct, gc=False):
    model: Any = None
    object: Any = None
    choices: Any = UNSET
    usage: Raw = NOTHING
    error: Raw = NOTHING


class _BareChunk(_Bare, gc=False):
    choices: list[_BareChoice] | UnsetType | None = UNSET


class _Chunk(_Bare, gc=False):
    choices: list[_Choice] | UnsetType | None = UNSET


_UNFINISHED = ("", "null")


class ChatRelay(PassThrough):
    """Takes the usage chunk that nobody asked for out of the stream."""

    shapes = (_Chunk, _BareChunk, _Bare)
    name_of = staticmethod(attrgetter("model"))  # type: ignore[assignment]  # a call in C, for every event
    closing = DONE_EVENT

    def __init__(self, model: str, *, hide_usage: bool) -> None:
        super().__init__(model)
        self._hide_usage = hide_usage
        self._announced = False
        self._open: set[int] = set()
        """Choices that began and are not finished; more than one where the client asked for `n`."""
        self._closed: set[int] = set()

    def read_text(self, payload: bytes, event: bytes) -> bytes:
        if payload.strip() == b"[DONE]":
            empty = self.state is WAITING and self.events < 2
            self.state = BROKEN if empty else DONE
        return event

    def read(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        if fields.object == "error" or (fields.error is not NOTHING and lenient.says(fields.error)):
            return self.failed(payload, event)
        choices: Any = fields.choices
        if choices and type(fields) is not _Bare:
            self._read_choices(choices)
        if self._hide_usage and choices is not None and event.endswith(_NO_USAGE):
            return event[: -len(_NO_USAGE)] + b"}\n\n"
        if fields.usage is NOTHING:
            return event if choices is not None else _listed(event, payload)
        return self._read_usage(fields, payload, event)

    def _read_choices(self, choices: list[_Choice]) -> None:
        for choice in choices:
            text, delta = choice.text, choice.delta
            if type(delta) is _Delta:
                text, thought = delta.content, delta.reasoning_content or delta.reasoning
                if thought:
                    self.wrote(thought)
                text = text or delta.refusal
                if delta.function_call and delta.function_call.arguments:
                    self.wrote(delta.function_call.arguments)
                if delta.tool_calls:
                    self._read_calls(delta.tool_calls)
            if text:
                self.wrote(text)
            if choice.finish_reason is not None or choice.index not in self._open:
                self._read_finish(choice)
        if self.state is WAITING:
            if self._announced:
                self.state = OPENED
            self._announced = True

    def _read_calls(self, calls: list[_ToolCall]) -> None:
        self._open_answer()
        for call in calls:
            if call.function and call.function.arguments:
                self.wrote(call.function.arguments)

    def _read_finish(self, choice: _Choice) -> None:
        index, reason = choice.index, choice.finish_reason
        if isinstance(reason, str) and reason.strip() not in _UNFINISHED:
            self._closed.add(index)
            self._open.discard(index)
            self._open_answer()
        elif index not in self._closed and len(self._open) < _MOST_CHOICES:
            self._open.add(index)
        if not self._open:
            self.state = FINISHED
        elif self.state is FINISHED:
            self.state = OPENED

    def _open_answer(self) -> None:
        if self.state is WAITING:
            self.state = OPENED

    def _read_usage(self, fields: _Bare, payload: bytes, event: bytes) -> bytes:
        """Learn the counts, and show them only to a client that asked for them."""
        there = lenient.says(fields.usage)
        usage = from_chat(lenient.value(fields.usage)) if there else None
        if usage:
            self.take(usage)
        alone = not fields.choices
        if self._hide_usage and there and alone:
            return b""
        cost = self.cost_usd(usage) if usage and self.cost_usd and not self._hide_usage else None
        unlisted = alone and not isinstance(fields.choices, list)
        if not self._hide_usage and cost is None and not unlisted:
            return event
        members = lenient.members(payload)
        if self._hide_usage:
            del members["usage"]
        elif usage:
            put_cost(members, cost)
        if unlisted:
            wire.put(members, "choices", [])
        return with_data(event, wire.encode(members))


def _listed(event: bytes, payload: bytes) -> bytes:
    """Return an event with an empty list of choices: clients stumble over null."""
    members = lenient.members(payload)
    wire.put(members, "choices", [])
    return with_data(event, wire.encode(members))


def put_cost(answer: Members, usd: float | None) -> None:
    """Write `usage.cost` as OpenRouter does; Open WebUI keeps it with the message."""
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
    return b"".join([*events, DONE_EVENT])


def _as_delta(choice: dict[str, Any]) -> dict[str, Any]:
    """Return a choice with its message as a delta, in which tool calls are numbered."""
    if not isinstance(message := choice.pop("message", None), dict):
        return choice
    if isinstance(calls := message.get("tool_calls"), list):
        message["tool_calls"] = [{"index": at, **each} for at, each in enumerate(calls) if isinstance(each, dict)]
    return {"index": 0, **choice, "delta": message}


_CHUNK_OBJECTS = {b'"text_completion"': b'"text_completion"'}
