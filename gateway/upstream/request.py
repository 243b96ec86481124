"""A request to a model's server, complete: what signs it, sends it or counts it needs nothing else."""

from collections.abc import AsyncIterator, Callable

import msgspec


class StreamedBody(msgspec.Struct, frozen=True):
    """A body that is read piece by piece while it is sent, again for each attempt."""

    length: int
    """In bytes."""
    pieces: Callable[[], AsyncIterator[bytes]]
    """Begins a reading. The pieces have `length` bytes in all."""


Body = bytes | StreamedBody


class Timeouts(msgspec.Struct, frozen=True):
    """In seconds."""

    connect: float = 5.0
    answer: float = 600.0
    """For the whole answer; where `streams`, for each silence in it."""
    streams: bool = False


class UpstreamRequest(msgspec.Struct):
    """One HTTP request. `host` and `content-length` are added where it is sent."""

    method: str
    url: str
    """Absolute, with its query."""
    headers: dict[str, str]
    """By lower-case name. The only part that authorizing may change."""
    body: Body
    timeouts: Timeouts = Timeouts()
