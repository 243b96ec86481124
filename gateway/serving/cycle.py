"""One ASGI request-response cycle."""

import asyncio
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

from starlette.types import ASGIApp, Message

log = logging.getLogger("sekisho.serving")

HIGH_WATER_BYTES = 256 * 1024
"""Bytes received and not read by the application; beyond it reading from the client is paused."""
_KEEPALIVE = b": keepalive\n\n"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_NO_BODY = frozenset((204, 304))
_FAILED = b'{"error":{"message":"The gateway failed.","type":"server_error","param":null,"code":"internal_error"}}'


class Wire(Protocol):
    """What a cycle needs of its connection."""

    loop: asyncio.AbstractEventLoop

    @property
    def ending(self) -> bool:
        """Return whether no further request is served on this connection."""

    def write(self, *parts: bytes) -> None: ...

    write_paused: "asyncio.Future[None] | None"
    """Resolved when the client has read most of what was written; None if it has."""

    async def writable(self) -> None:
        """Wait until `write_paused` is resolved."""

    def resume_reading(self) -> None: ...

    def finished(self, cycle: "Cycle") -> None:
        """Note that the response is complete, or will never be."""


class Cycle:
    """Passes the body to the application, and its response to the client."""

    __slots__ = (
        "_body_read", "_chunked", "_expects_continue", "_head", "_left", "_wake", "_wire",
        "answered", "body_complete", "gone", "is_event_stream", "keep_alive", "parts", "scope", "size", "started",
    )  # fmt: skip

    def __init__(self, wire: Wire, scope: dict[str, Any], *, keep_alive: bool, expects_continue: bool) -> None:
        self._wire = wire
        self.scope = scope
        self.keep_alive = keep_alive
        self._expects_continue = expects_continue
        self._wake: asyncio.Future[None] | None = None
        self.parts: list[bytes] = []
        self.size = 0
        """Size of `parts` in bytes."""
        self.body_complete = False
        self._body_read = False
        """True once the application has read the body's end."""
        self.gone = False
        """True once the client disconnected."""
        self._head: bytes | None = None
        """Response head, which is sent with the first piece of the body in one write."""
        self._chunked = False
        self._left: int | None = None
        """Remaining bytes of the declared content-length; None = not declared."""
        self.started = False
        """True once any byte of the response was sent."""
        self.answered = False
        """True once the response is complete."""
        self.is_event_stream = False

    async def run(self, app: ASGIApp) -> None:
        """Call the application. Whatever it does, the client gets an answer or a closed connection."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a request failed in the gateway")
        finally:
            if not self.answered:
                self._give_up()

    def feed(self, part: bytes) -> None:
        self.parts.append(part)
        self.size += len(part)
        self.wake()

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def leave(self) -> None:
        """Note that the client disconnected; the application receives `http.disconnect`."""
        self.gone = True
        self.wake()

    def probe(self) -> None:
        """Write something harmless: a client that is gone answers it with a reset, one that only listens ignores it."""
        if not self.started:
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self.is_event_stream and not self.answered:
            self._wire.write(*self._framed(_KEEPALIVE))

    # ASGI

    async def receive(self) -> Message:
        if self._expects_continue and not self.started and not self.gone:
            self._expects_continue = False
            self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.parts or self.gone or self.answered or (self.body_complete and not self._body_read)):
            await self._wait()
        if self.gone or self.answered:
            return {"type": "http.disconnect"}
        body = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        self.parts, self.size = [], 0
        self._body_read = self.body_complete
        if not self.body_complete:
            self._wire.resume_reading()
        return {"type": "http.request", "body": body, "more_body": not self.body_complete}

    async def send(self, message: Message) -> None:
        if self._wire.write_paused is not None:
            await self._wire.writable()
        if self.gone:
            return
        if message["type"] == "http.response.start":
            self._begin(message["status"], message.get("headers", ()))
        else:
            self._write(message.get("body", b""), more=message.get("more_body", False))

    async def _wait(self) -> None:
        self._wake = self._wire.loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in headers:
            if name == b"content-length":
                self._left = int(value)
            elif name == b"content-type":
                self.is_event_stream = value.startswith(b"text/event-stream")
            elif name == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            lines.append(b"%s: %s\r\n" % (name, value))
        lines += self._framing(status)
        if self._expects_continue or self._wire.ending:  # whether the body still comes, nobody knows
            self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        self._head = b"".join(lines) + b"\r\n"
        ends = len(lines) + 1
        if self._head.count(b"\n") != ends or self._head.count(b"\r") != ends or b"\0" in self._head:
            raise ValueError("a response header has a line break in it")

    def _framing(self, status: int) -> list[bytes]:
        """Choose the framing of the body; return its header."""
        if status in _NO_BODY or self.scope["method"] == "HEAD":
            self._left = 0
        elif self._left is None:
            self._chunked = self.scope["http_version"] == "1.1"
            if self._chunked:
                return [b"transfer-encoding: chunked\r\n"]
            self.keep_alive = False  # the end of the connection is the end of the body
        return []

    def _write(self, body: bytes, *, more: bool) -> None:
        if self._head is None and not self.started:
            raise RuntimeError("an answer began without its head")
        if self.scope["method"] == "HEAD":
            body = b""
        parts = [] if self._head is None else [self._head]
        self._head, self.started = None, True
        if body:
            parts += self._framed(body)
        if not more:
            if self._chunked:
                parts.append(b"0\r\n\r\n")
            self.answered = True
            if self._left:
                log.error("an answer was shorter than its content-length")
                self.keep_alive = False
        if parts:
            self._wire.write(*parts)
        if self.answered:
            self._wire.finished(self)

    def _framed(self, body: bytes) -> list[bytes]:
        if self._chunked:
            return [b"%x\r\n" % len(body), body, b"\r\n"]
        if self._left is not None:
            if len(body) > self._left:
                raise RuntimeError("an answer was longer than its content-length")
            self._left -= len(body)
        return [body]

    def _give_up(self) -> None:
        """End a response that the application did not complete: with an error if nothing was sent, else by closing."""
        self.answered, self.keep_alive = True, False
        if not self.started and not self.gone:
            self._left, self._chunked, self._head = None, False, None
            self.started = True
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(_FAILED)
            self._wire.write(_STATUS_LINES[500], head, _FAILED)
        self._wire.finished(self)
