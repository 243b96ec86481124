"""The client's side of a request: its body, its leaving, and the one answer it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send

from gateway.errors import TooLarge
from gateway.streaming import KEEPALIVE

_EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed its connection; nobody reads what we would send."""


def headers_of(scope: Scope) -> dict[str, str]:
    """By lower-case name; what came in several lines is joined with commas, as HTTP means it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole request body. Raises `TooLarge` over `limit` bytes, `ClientGone`."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The request body is larger than {limit:,} bytes. Send less, or ask the administrator "
        "to raise 'server.max_body_bytes'."
    )


@asynccontextmanager
async def until_gone(receive: Receive) -> AsyncIterator[None]:
    """Cancels its block as soon as the client leaves, and raises `ClientGone` then."""
    task = asyncio.current_task()
    assert task is not None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise ClientGone from None
    finally:
        watcher.cancel()


class Answer:
    """Sends one response: whole, or as a stream that starts once and never changes its mind."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.ended = False

    async def whole(self, status: int, headers: Headers, body: bytes, media_type: bytes = b"application/json") -> None:
        self.started = self.ended = True
        head = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        await self._send({"type": "http.response.body", "body": body})

    async def start_stream(self, headers: Headers) -> None:
        if not self.started:
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM + headers})

    async def write(self, block: bytes) -> None:
        if block:
            await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end_stream(self, block: bytes = b"") -> None:
        if not self.ended:
            self.ended = True
            await self._send({"type": "http.response.body", "body": block})

    async def keep_alive(self, headers: Headers) -> None:
        """A comment that no client shows but every proxy counts as traffic."""
        if not self.ended:
            await self.start_stream(headers)
            await self.write(KEEPALIVE)
