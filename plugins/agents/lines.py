"""JSON values from a stream of bytes."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from plugins.shared.trouble import Trouble

LONGEST_LINE = 12_000_000  # bytes; a picture comes in one line
LONGEST_STREAM = 60_000_000  # bytes
BAD_LINES = 50
NOTHING = object()
OPENING, CLOSING = (b"{", b"["), (b"}", b"]")


def payload(line: bytes) -> tuple[bool, bytes]:
    """Return whether a line belongs to an event, and its data: empty for a comment or an event's name."""
    if line.startswith(b"data:"):
        return True, line[5:].strip()
    return (True, b"") if re.match(rb":|(event|id|retry):", line) else (False, line.strip())


def parsed(text: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict | list) else NOTHING
    return NOTHING


async def lines_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Split a stream into lines. Raises Trouble if a line or the whole is too long."""
    pending, total = bytearray(), 0
    async for part in stream:
        total += len(part)
        pending += part
        if b"\n" in part or b"\r" in part:
            *lines, rest = re.split(rb"\r\n|\n|\r", bytes(pending))
            for line in lines:
                yield line
            pending = bytearray(rest)
        if len(pending) > LONGEST_LINE or total > LONGEST_STREAM:
            raise Trouble("too_much")
    if pending:
        yield bytes(pending)


async def values_of(lines: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Yield JSON values from server-sent events, from JSON lines, or from one JSON text over many lines.

    Raises Trouble if the stream is none of these.
    """
    any_value, bad, size = False, 0, 0
    pending: list[bytes] = []  # lines of a value that is not complete
    async for line in lines:
        event, data = payload(line)
        if data == b"[DONE]":
            return
        if not data:
            pending = pending if line else []
            continue
        value, closing = parsed(data), event or line[:1] in CLOSING
        if value is NOTHING and pending and closing:
            value = parsed(b"\n".join([*pending, data]))
        if value is not NOTHING:
            any_value, bad, size, pending = True, 0, 0, []
            yield value
            continue
        if event or pending or line[:1] in OPENING:
            pending.append(data)
        bad += closing or not pending
        size += len(data)
        if bad > BAD_LINES or size > LONGEST_LINE:
            raise Trouble("garbage")
    if not any_value and (bad or pending):
        raise Trouble("garbage")
