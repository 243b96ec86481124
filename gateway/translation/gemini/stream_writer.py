"""A stream for a client of streamGenerateContent: chunks that each are an answer."""

from gateway import wire
from gateway.translation.answer import Closed, Delta, Ended, Event, Opened, Started
from gateway.translation.checks import Fields
from gateway.translation.gemini.answer_writer import PartWriter, candidate_of, usage_of
from gateway.translation.gemini.grounding_writer import Grounding
from gateway.translation.parts import Part, Refusal, Text, Thinking


class GeminiStreamWriter:
    """Writes one stream: words as they come, calls and all else when they are whole."""

    def __init__(self, model: str, request: Fields) -> None:
        self.events = 0
        self._base: Fields = {"modelVersion": model}
        self._open: dict[int, Part] = {}
        self._parts = PartWriter()
        self._grounding = Grounding()

    def write(self, event: Event) -> bytes:
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, Started):
            self._base["responseId"] = event.id
        elif isinstance(event, Opened):
            self._open[event.index] = event.part
        elif isinstance(event, Closed):
            return self._closed(event)
        elif isinstance(event, Ended):
            last = candidate_of([], event.end, self._grounding)
            return self._chunk({**last, "usageMetadata": usage_of(event.usage)})
        return b""

    def _delta(self, event: Delta) -> bytes:
        part = self._open.get(event.index)
        if isinstance(part, Text | Refusal):
            return self._chunk(candidate_of([{"text": event.text}]))
        if isinstance(part, Thinking):
            return self._chunk(candidate_of([{"text": event.text, "thought": True}]))
        return b""

    def _closed(self, event: Closed) -> bytes:
        self._open.pop(event.index, None)
        part = event.part
        if isinstance(part, Text):
            self._grounding.take(part)
        if isinstance(part, Text | Refusal) or (isinstance(part, Thinking) and not part.redacted):
            return b""
        found = self._parts.write(part)
        return self._chunk(candidate_of([found])) if found else b""

    def _chunk(self, fields: Fields) -> bytes:
        self.events += 1
        return b"data: " + wire.encode(fields | self._base) + b"\n\n"
