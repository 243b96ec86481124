"""An upstream's stream of Chat Completions as events. Source: the page's "chat completion chunk object"."""

from typing import Any

from gateway import lenient
from gateway.dialects.passthrough import NOTHING
from gateway.dialects.usage import Usage, from_chat
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Event, Failed, Started
from gateway.translation.chat.answer_reader import usage_of
from gateway.translation.chat.call_stream import CallStream
from gateway.translation.chat.chunks import CallDelta, Choice, Chunk, DeltaMessage, read_chunk
from gateway.translation.chat.ends import is_end, read_end
from gateway.translation.chat.part_stream import PartStream
from gateway.translation.chat.values import object_of

_LEGACY = -1
"""Number of the call in the older `function_call`."""
_LONGEST_ID = 256


class ChatStreamReader:
    """Reads chunks. The end is told when the counts are here, which follow the reason of the end."""

    def __init__(self, profile: Profile) -> None:
        self._parts = PartStream(profile.inline_thinking)
        self._calls = CallStream(self._begin_call)
        self._started = False
        self._over = False
        self._choice: int | None = None
        self._chunks = 0
        self._id = self._model = ""
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._tier: str | None = None

    def read(self, name: bytes, payload: bytes) -> list[Event]:
        """Return what a chunk says; see `StreamReader`."""
        if self._over:
            return []
        chunk = read_chunk(payload)
        if chunk is None:
            return self._text(name, payload)
        if name == b"error" or chunk.object == "error" or (chunk.error is not NOTHING and lenient.says(chunk.error)):
            return self._failed(payload)
        events: list[Event] = []
        self._chunks += 1
        if chunk.usage is not None or chunk.x_groq is not None:
            self._count(chunk)
        if chunk.service_tier is not None:
            self._tier = chunk.service_tier
        if chunk.choices:
            choice = chunk.choices[0]
            if choice.error is not NOTHING and lenient.says(choice.error):
                return self._failed(payload)
            if not self._started:
                self._start(chunk, events)
            for choice in chunk.choices:
                self._read_choice(choice, events)
        elif self._finish is not None and chunk.usage is not None:
            self._end(events)
        return events

    def end(self) -> list[Event]:
        """Return the end of an answer whose reason has come; see `StreamReader`."""
        events: list[Event] = []
        if self._finish is not None and not self._over:
            self._end(events)
        return events

    def _text(self, name: bytes, payload: bytes) -> list[Event]:
        """Read what is no chunk. `[DONE]` ends an answer that has begun, where its reason was left out, too."""
        if name == b"error":
            return self._failed(payload)
        events: list[Event] = []
        if payload.strip() == b"[DONE]" and (self._finish is not None or self._parts.parts.count):
            self._end(events)
        return events

    def _failed(self, payload: bytes) -> list[Event]:
        self._over = True
        return [Failed(payload)]

    def _start(self, chunk: Chunk, events: list[Event]) -> None:
        self._started = True
        self._id, created = (chunk.id or "")[:_LONGEST_ID], chunk.created
        known = int(created) if created and 0 < created < 2**53 else None
        events.append(Started(self._id, chunk.model or "", created=known, service_tier=chunk.service_tier))

    def _count(self, chunk: Chunk) -> None:
        found = from_chat(chunk.usage) or usage_of({"x_groq": chunk.x_groq})
        if found and (self._usage is None or (found.output or 0) >= (self._usage.output or 0)):
            self._usage = found

    def _read_choice(self, choice: Choice, events: list[Event]) -> None:
        if self._choice is None:
            self._choice = choice.index
        if choice.index != self._choice:
            return
        if choice.delta is not None:
            self._read_delta(choice.delta, choice.logprobs, events)
        if choice.finish_reason is not None and is_end(choice.finish_reason):
            self._finish = choice.finish_reason

    def _read_delta(self, delta: DeltaMessage, logprobs: Any, events: list[Event]) -> None:
        parts = self._parts
        if delta.reasoning_details or delta.reasoning_content or delta.reasoning:
            parts.think(delta, events)
        if delta.content:
            parts.say(delta.content, _tokens(logprobs, "content"), events)
        if delta.refusal:
            parts.refuse(delta.refusal, _tokens(logprobs, "refusal"), events)
        if delta.annotations or delta.images or delta.audio:
            parts.add(delta, events)
        if delta.tool_calls:
            self._calls.read(delta.tool_calls, self._id, self._chunks, events)
        if delta.function_call:
            legacy = CallDelta(index=_LEGACY, function=delta.function_call)
            self._calls.read((legacy,), self._id, self._chunks, events)

    def _begin_call(self, events: list[Event]) -> int:
        self._parts.pause(events)
        return self._parts.parts.next()

    def _end(self, events: list[Event]) -> None:
        self._over = True
        self._parts.close(events)
        self._calls.close(events)
        end = read_end(self._finish, called=self._calls.called, refused=self._parts.refused)
        events.append(Ended(end, usage=self._usage, service_tier=self._tier))


def _tokens(logprobs: Any, name: str) -> Any:
    """Return the log probabilities of a piece's tokens."""
    return None if logprobs is None else (object_of({"": logprobs}, "").get(name) or None)
