"""Read an answer that is a stream of events."""

from collections.abc import AsyncGenerator

from gateway.dialects.framing import FrameTooLong
from gateway.errors import UpstreamError
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.upstream import messages
from gateway.mcp.upstream.events import Event, EventStream
from gateway.upstream.answer import UpstreamAnswer


async def events_of(answer: UpstreamAnswer, server: str, limit: int) -> AsyncGenerator[Event, None]:
    """Yield events until the stream ends or breaks. Raises `UpstreamDown` for one of more than `limit` bytes."""
    stream = EventStream(limit)
    try:
        while data := await answer.read():
            for event in stream.feed(data):
                yield event
        for event in stream.end():
            if messages.is_whole(event.data):  # the stream may have been cut off in the middle of it
                yield event
    except FrameTooLong:
        raise too_long(server, limit) from None
    except UpstreamError:
        return


def too_long(server: str, limit: int) -> UpstreamDown:
    """Return the error for a message of a server that is larger than `limit` bytes."""
    return UpstreamDown(server, f"its message is larger than {limit:,} bytes")
