"""One connection to a server that speaks in streams of messages: a process, or HTTP with SSE."""

import asyncio
from types import TracebackType
from typing import Protocol

from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage

Streams = tuple[ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]]


class Transport(Protocol):
    """Entered and left by the same task."""

    async def __aenter__(self) -> Streams:
        """Open the connection. Raises `UpstreamDown`."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; afterwards nothing of the server is left."""

    @property
    def ended(self) -> asyncio.Event:
        """Set as soon as the process or the connection is known to be gone."""

    def last_words(self) -> str:
        """Return why it ended and the end of what it wrote to its standard error; empty where there is nothing."""
