"""Server-sent events with what a stream of MCP needs besides their data: their id, and when to come back. Pure."""

import msgspec

from gateway.dialects.framing import EventReader, FrameTooLong

_LONGEST_ID = 1024
_LATEST_RETRY_MS = 60_000


class Event(msgspec.Struct, frozen=True):
    """One event; `data` is empty where it only names an id."""

    name: bytes
    data: bytes
    id: str | None = None
    retry_ms: int | None = None


class EventStream:
    """Cuts a stream into events of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._reader = EventReader()
        self._limit = limit
        self._waiting = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now. Raises `FrameTooLong`."""
        found = self._reader.feed(data)
        self._waiting = 0 if found else self._waiting + len(data)
        if self._waiting > self._limit or any(len(each) > self._limit for each in found):
            raise FrameTooLong
        return [event for each in found if (event := parse(each))]

    def end(self) -> list[Event]:
        """Return what the end of the stream makes an event."""
        return [event for each in self._reader.end() if (event := parse(each))]


def parse(block: bytes) -> Event | None:
    """Return an event; None for a comment."""
    name, id_, retry, data = b"message", None, None, []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"id" and b"\x00" not in value:
            id_ = value[:_LONGEST_ID].decode(errors="replace")
        elif field == b"retry" and value.isdigit() and len(value) < 9:
            retry = min(int(value), _LATEST_RETRY_MS)
    if not data and id_ is None and retry is None:
        return None
    return Event(name, b"\n".join(data), id_, retry)
