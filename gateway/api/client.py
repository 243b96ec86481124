"""The client's side of a request: its body, its leaving, and the one answer it gets."""

import asyncio
from types import TracebackType

from starlette.types import Receive, Scope, Send

from gateway.bodies import Share
from gateway.errors import TooLarge, UnsupportedEncoding
from gateway.ledger.contents import Capture, Contents
from gateway.wire import LARGE_BYTES

_EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

_LOOK_AFTER_SECONDS = 0.05
_PIECE_BYTES = 256 * 1024
"""Of a long answer, as it is handed to the connection."""

Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed its connection; nobody reads what we would send."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return headers by lower-case name; what came in several lines is joined with commas, as HTTP means it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_body(scope: Scope, receive: Receive, limit: int, share: Share | None = None) -> bytes:
    """Return the whole body. Raises `TooLarge` over `limit` bytes, `Overloaded` without room for it, `ClientGone`."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        if share and size > LARGE_BYTES:
            share.grow(size)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def check_encoding(headers: dict[str, str]) -> None:
    """Raise `UnsupportedEncoding` where the body is compressed: a small one could become endless."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedEncoding(
            f"The request body is encoded with '{encoding[:40]}', which is not read here. Send it without "
            "'Content-Encoding'.",
            param="content-encoding",
        )


def too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The request body is larger than {limit:,} bytes. Send less, or ask the administrator "
        "to raise 'server.max_body_bytes'."
    )


class UntilGone:
    """`async with UntilGone(receive, answer)`: cancels its block when the client leaves, and raises `ClientGone` then.

    It looks from a moment later on: most short answers end before, and looking costs a task.
    """

    def __init__(self, receive: Receive, answer: "Answer") -> None:
        self._receive = receive
        self._answer = answer
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timer = loop.call_later(_LOOK_AFTER_SECONDS, self._begin, loop)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher:
            self._watcher.cancel()
        if self._gone and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise ClientGone from None

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watcher = loop.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._answer.ended:  # servers say so after a complete answer, too
            self._gone = True
            self._task.cancel()


class Answer:
    """Sends one response: whole, or as a stream that starts once and never changes its mind."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.ended = False

    def capture(self, contents: Contents, prompt: bytes) -> Capture:
        """Keep what goes out from now on."""
        self._send = captured = contents.capture(prompt, self._send)
        return captured

    async def whole(self, status: int, headers: Headers, body: bytes, media_type: bytes = b"application/json") -> None:
        self.started = self.ended = True
        head = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        last = max(len(body) - 1, 0) // _PIECE_BYTES * _PIECE_BYTES
        for start in range(0, last, _PIECE_BYTES):  # a long one in one piece would stand in memory three times
            piece = body[start : start + _PIECE_BYTES]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": body[last:] if last else body})

    async def nothing(self, headers: Headers, status: int = 204) -> None:
        """Send an answer without content."""
        self.started = self.ended = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})

    async def start_stream(self, headers: Headers) -> None:
        if not self.started:
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM + headers})

    async def start(self, headers: Headers, media_type: bytes) -> None:
        """Begin an answer whose length is not known yet."""
        self.started = True
        await self._send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", media_type), *headers]}
        )

    async def write(self, block: bytes) -> None:
        if block:
            await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def end_stream(self, block: bytes = b"") -> None:
        if not self.ended:
            self.ended = True
            await self._send({"type": "http.response.body", "body": block})

    async def keep_alive(self, headers: Headers, block: bytes) -> None:
        """Send what no client shows but every proxy counts as traffic."""
        if not self.ended:
            await self.start_stream(headers)
            await self.write(block)
