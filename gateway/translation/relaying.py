"""A stream across two dialects: the upstream's events are read, changed back, and written for the client."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from gateway.dialects.framing import FrameTooLong, Framing, fields_of
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, OPENED, WAITING, Step, StreamState
from gateway.dialects.usage import Usage
from gateway.translation.answer import Answer, Closed, Delta, Ended, Event, Failed, Opened, Started
from gateway.translation.codec import StreamReader, StreamWriter
from gateway.translation.parts import Part, ToolCall
from gateway.translation.restoring import Restoring
from gateway.translation.settling import CallIds, settled_end
from gateway.wire import Members

MOST_BYTES = 64 * 1024 * 1024
"""Of one upstream stream; its parts stand in memory until they are complete."""


class TranslatingRelay:
    """Relays one stream; `finished` gets the whole answer at its end, `read_whole` reads one that did not stream."""

    def __init__(
        self,
        framing: Framing,
        reader: StreamReader,
        writer: StreamWriter,
        restoring: Restoring,
        read_whole: Callable[[Members], Answer],
        answer_id: Callable[[str], str],
        finished: Callable[[Answer], Any],
    ) -> None:
        self._frames = framing.reader()
        self._reader = reader
        self._writer = writer
        self._restoring = restoring if restoring.needed else None
        self._read_whole = read_whole
        self._answer_id = answer_id
        self._finished = finished
        self._bytes = self._pieces = self._written = 0
        self._started = Started("", "")
        self._parts: list[Part] = []
        self._ids = CallIds()
        self._usage: Usage | None = None
        self.state: StreamState = WAITING
        self.error: bytes | None = None
        self.begun: Usage | None = None
        self.answer_id: str | None = None
        self.cost_usd: Callable[[Usage], float | None] | None = None

    @property
    def events(self) -> int:
        """Return the number of events written: an error event is numbered after them."""
        return self._writer.events

    def feed(self, data: bytes) -> Step:
        """Take what arrived; return the client's events. Raises `FrameTooLong`."""
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise FrameTooLong
        return self._step(event for frame in self._frames.feed(data) for event in self._reader.read(*fields_of(frame)))

    def end(self) -> Step:
        """Take the end of the connection."""
        last = [event for frame in self._frames.end() for event in self._reader.read(*fields_of(frame))]
        step = self._step([*last, *(self._reader.end() if not self.state.over else ())])
        if self.state < FINISHED:
            self.state = BROKEN
        return step

    def whole(self, answer: Members) -> Step:
        """Take a whole answer in place of the stream that was asked for."""
        return self._step(events_of(self._read_whole(answer)))

    def written(self) -> int:
        """Return about how many tokens of the answer were relayed."""
        return max(self._pieces, self._written // 4)

    @property
    def counts(self) -> Usage | None:
        return self._usage

    def _step(self, events: Iterable[Event]) -> Step:
        blocks: list[bytes] = []
        for event in events:
            if self.state > FINISHED:
                break
            if isinstance(event, Ended):
                return Step(b"".join(blocks), self._ended(event))
            if isinstance(event, Failed):
                self.state, self.error = FAILED, event.payload
                break
            blocks.append(self._relayed(event))
        return Step(b"".join(blocks))

    def _relayed(self, event: Event) -> bytes:
        if type(event) is Delta:
            self._count(event.text)
        elif type(event) is Started:
            event = msgspec.structs.replace(event, id=self._answer_id(event.id))
        elif isinstance(event, Opened | Closed) and isinstance(event.part, ToolCall):
            part = self._ids.settled(event.index, event.part, self._started.id)
            event = type(event)(event.index, part)
        if self._restoring is None:
            self._note(event)
            return self._writer.write(event)
        restored = self._restoring.events(event)
        for each in restored:
            self._note(each)
        return b"".join([self._writer.write(each) for each in restored])

    def _count(self, text: str) -> None:
        self._pieces += 1
        self._written += len(text) if text.isascii() else 4 * len(text)

    def _note(self, event: Event) -> None:
        if type(event) is Delta or type(event) is Opened:
            if self.state is WAITING:
                self.state = OPENED
        elif type(event) is Closed:
            self._parts.append(event.part)
        elif type(event) is Started:
            self._started, self.begun = event, event.usage

    def _ended(self, event: Ended) -> bytes:
        self._usage = event.usage
        event = msgspec.structs.replace(event, end=settled_end(event.end, called=self._ids.called))
        if self.cost_usd and event.usage:
            event = msgspec.structs.replace(event, cost_usd=self.cost_usd(event.usage))
        block = self._writer.write(event)
        self.state = DONE
        started = self._started
        self._finished(
            Answer(
                id=started.id,
                model=started.model,
                parts=tuple(self._parts),
                end=event.end,
                stop_sequence=event.stop_sequence,
                usage=event.usage,
                created=started.created,
                service_tier=event.service_tier or started.service_tier,
                own={**started.own, **event.own},
            )
        )
        return block


def events_of(answer: Answer) -> Sequence[Event]:
    """Return the stream that a whole answer would have been."""
    events: list[Event] = [Started(answer.id, answer.model, answer.usage, answer.created, answer.service_tier, {})]
    for index, part in enumerate(answer.parts):
        events += [*_opening(index, part), Closed(index, part)]
    return [*events, Ended(answer.end, answer.stop_sequence, answer.usage, answer.service_tier, answer.own)]


def _opening(index: int, part: Part) -> Sequence[Event]:
    """Return the beginning of a part, and its text in one piece."""
    for name in ("text", "arguments", "transcript"):
        text = getattr(part, name, None)
        if isinstance(text, str):
            begun = msgspec.structs.replace(part, **{name: ""})
            return [Opened(index, begun), *([Delta(index, text)] if text else [])]
    return [Opened(index, part)]
