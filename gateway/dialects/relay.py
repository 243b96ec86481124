"""What becomes of an upstream's stream on its way to the client: the contract that the serving code knows.

A relay takes the upstream's bytes and gives the client's. `passthrough` sends them on nearly as they came; a
translating one writes events of another dialect.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

import msgspec

from gateway.dialects.framing import FrameReader
from gateway.dialects.usage import Usage


class StreamState(IntEnum):
    """How far an answer has come. A stream that is past `FINISHED` takes no further events."""

    WAITING = 0
    """Nothing of the answer is here; events may have announced it."""
    OPENED = 1
    """The answer has begun."""
    FINISHED = 2
    """The answer is complete, and the stream's final event may follow."""
    DONE = 3
    """The final event came, or the connection ended after a complete answer."""
    FAILED = 4
    """The upstream sent an error, which is its final event."""
    BROKEN = 5
    """The stream ended before the answer was complete."""

    @property
    def over(self) -> bool:
        return self > StreamState.FINISHED


WAITING, OPENED, FINISHED, DONE, FAILED, BROKEN = StreamState
"""The states by their names: looking one up in its class is slow, and every event does."""


class Step(msgspec.Struct, frozen=True):
    """Result of reading a piece of the upstream's stream: bytes to send on, and what ends the answer.

    `last` is to be sent after the record is written: it holds the stream's final event.
    """

    block: bytes = b""
    last: bytes = b""


class Relay(Protocol):
    """One stream on its way from an upstream to a client."""

    state: StreamState
    error: bytes | None
    """The upstream's own error event, as JSON or text; None while there is none."""
    begun: Usage | None
    """Token counts of the prompt, sent at the start by an upstream that does not know its answer yet."""
    answer_id: str | None
    """The id by which the client may continue this answer, where the upstream remembers it."""
    cost_usd: Callable[[Usage], float | None] | None
    """Set where the client is to be told what its answer cost."""

    @property
    def events(self) -> int:
        """Return the number of events that were read of the upstream, or written where they are translated."""

    def feed(self, data: bytes) -> Step:
        """Take what arrived; return the whole events in it. Raises `FrameTooLong`."""

    def end(self) -> Step:
        """Take the end of the connection. A last event without its end still counts."""

    def written(self) -> int:
        """Return about how many tokens of the answer were relayed."""

    @property
    def counts(self) -> Usage | None:
        """Return the upstream's counts, as far as they are of the whole answer."""


class NativeRelay(Relay, Protocol):
    """A relay to a client of the upstream's own dialect."""

    event_reader: FrameReader
    """Cuts the upstream's stream into server-sent events."""
