"""What was changed for the upstream is changed back in its answer: names of tools, and custom tools."""

from dataclasses import dataclass, field

import msgspec

from gateway.translation.answer import Answer, Closed, Delta, Event, Opened
from gateway.translation.codec import Writing
from gateway.translation.free_text import FreeText, free_text
from gateway.translation.parts import Part, ToolCall


@dataclass(slots=True)
class Restoring:
    """Changes the parts of one answer back."""

    writing: Writing
    texts: dict[int, FreeText] = field(default_factory=dict)
    """The open calls of custom tools, by the number of their part."""

    @property
    def needed(self) -> bool:
        """Return whether anything was changed."""
        return bool(self.writing.names or self.writing.custom)

    def answer(self, answer: Answer) -> Answer:
        """Return a whole answer as the client expects it."""
        if not self.needed:
            return answer
        return msgspec.structs.replace(answer, parts=tuple(self._part(part) for part in answer.parts))

    def events(self, event: Event) -> tuple[Event, ...]:
        """Return an event of a stream as the client expects it; the rest of a text may go before its end."""
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, Opened):
            return (self._opened(event),)
        if isinstance(event, Closed) and isinstance(event.part, ToolCall):
            return self._closed(event, event.part)
        return (event,)

    def _part(self, part: Part) -> Part:
        if not isinstance(part, ToolCall):
            return part
        custom = part.name in self.writing.custom
        arguments = free_text(part.arguments) if custom else part.arguments
        name = self.writing.names.get(part.name, part.name)
        return msgspec.structs.replace(part, name=name, arguments=arguments, custom=custom or part.custom)

    def _opened(self, event: Opened) -> Opened:
        part = event.part
        if isinstance(part, ToolCall) and part.name in self.writing.custom:
            self.texts[event.index] = FreeText()
        return Opened(event.index, self._part(part))

    def _delta(self, event: Delta) -> tuple[Event, ...]:
        text = self.texts.get(event.index)
        if text is None:
            return (event,)
        piece = text.feed(event.text)
        return (Delta(event.index, piece),) if piece else ()

    def _closed(self, event: Closed, part: ToolCall) -> tuple[Event, ...]:
        text = self.texts.pop(event.index, None)
        rest = text.end(part.arguments) if text else ""
        closed = Closed(event.index, self._part(part))
        return (Delta(event.index, rest), closed) if rest else (closed,)
