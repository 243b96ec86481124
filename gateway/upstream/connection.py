"""One HTTP/1.1 connection: a request goes out, its answer comes in piece by piece."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

_MOST_WAITING_BYTES = 1024 * 1024
"""Read but not fetched yet; beyond it the server is made to wait."""
_LARGEST_HEAD_BYTES = 256 * 1024
_DRAIN_SECONDS = 0.5
"""Longest wait for the end of a response whose content is complete."""
_MOST_DRAINED_BYTES = 64 * 1024


class Closed(ConnectionError):
    """The server closed the connection before its answer was complete, or at once."""


class NotHttp(ConnectionError):
    """What came is no answer."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. Failures are `OSError`s, `TimeoutError` among them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._head_bytes = 0
        self._paused = False
        self._error: OSError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0.0
        self._total = False
        self._moved = 0.0
        self._closed = False
        self._has_head = False
        self._until_close = False
        self._keep = False
        self.status = 0
        self.headers: dict[str, str] = {}
        """Of the answer, by lower-case name."""
        self.heard = False
        """Something of the answer arrived."""
        self.ended = True
        """The answer is complete; what of it was not fetched can still be."""
        self._unasked = False
        """True while a second response arrives for one request."""
        self.made_at = self._loop.time()
        self.idle_since = 0.0
        self._drained: Callable[[Connection], None] | None = None
        self._at_end: Callable[[], None] | None = None

    def send(self, head: bytes, body: bytes, seconds: float, *, total: bool) -> None:
        """Begin an exchange. It fails `seconds` after it began, or after the last thing that arrived."""
        self.heard = self.ended = self._has_head = self._until_close = self._keep = self._unasked = False
        self.headers = {}
        self._pieces.clear()
        self._waiting_bytes = self._head_bytes = 0
        self._limit, self._total, self._moved = seconds, total, self._loop.time()
        self._timer = self._loop.call_later(seconds, self._look)
        self._transport.writelines((head, body))

    async def head(self) -> None:
        """Wait for `status` and `headers`."""
        while not self._has_head:
            await self._more()

    async def some(self) -> bytes:
        """What arrived of the body; empty at its end."""
        while not self._pieces:
            if self.ended:
                return b""
            await self._more()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._paused:
            self._paused = False
            self._moved = self._loop.time()  # while we did not read, the server could not send
            self._transport.resume_reading()
        return data

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the response is complete, though not all of it may have been fetched."""
        if self.ended:
            callback()
        else:
            self._at_end = callback

    def release(self) -> bool:
        """End the exchange. Whether the connection may carry another; else it is closed."""
        self._at_end = None
        if self._timer:
            self._timer.cancel()
            self._timer = None
        unsent = self._transport.get_write_buffer_size()
        if self.ended and self._keep and not self._unasked and not unsent and not self._closed and not self._error:
            self.idle_since = self._loop.time()
            return True
        self.abort()
        return False

    def drain(self, drained: Callable[["Connection"], None]) -> None:
        """Read the rest of a response without its content, then call `drained` where the connection can be used again.

        Needs no task, so no cancellation reaches it. A response that does not end soon ends the connection.
        """
        if self.ended or self._closed or self._error:
            if self.release():
                drained(self)
            return
        self._drained = drained
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(_DRAIN_SECONDS, self.abort)
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        self._closed, self._drained, self._at_end = True, None, None
        if self._timer:
            self._timer.cancel()
        self._transport.abort()

    @property
    def alive(self) -> bool:
        return not self._closed

    async def _more(self) -> None:
        if self._error is None:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._error:
            raise self._error

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: OSError) -> None:
        self._error = self._error or error
        self._wake()

    def _end(self) -> None:
        """Take note that the response is complete."""
        self.ended = True
        self._wake()
        callback, self._at_end = self._at_end, None
        if callback:
            callback()

    def _end_drain(self) -> None:
        """Hand the connection over; not inside the parser, as a new exchange would begin there."""
        drained, self._drained = self._drained, None
        if drained and self.release():
            drained(self)

    def _look(self) -> None:
        """The limit may have passed. Set once an exchange, however much arrives."""
        if self.ended:  # the rest is here, however long the client takes to read it
            return
        if self._paused:
            self._moved = self._loop.time()
        quiet = self._loop.time() - self._moved
        if quiet >= self._limit - 0.001:
            self._fail(TimeoutError())
            self.abort()
        else:
            self._timer = self._loop.call_later(self._limit - quiet, self._look)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none of asyncio's classes

    def data_received(self, data: bytes) -> None:
        if self.ended:  # nobody asked
            self.abort()
            return
        self.heard = True
        if not self._total:
            self._moved = self._loop.time()
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(NotHttp("what came is not HTTP"))
            self.abort()
        if self._waiting_bytes > _MOST_WAITING_BYTES and not self._paused and not self._closed:
            self._paused = True
            self._transport.pause_reading()
        if not self._has_head and self._head_bytes > _LARGEST_HEAD_BYTES:
            self._fail(NotHttp("a head without end"))
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if self._drained:
            self.abort()
        if self.ended:
            return
        if self._until_close and error is None:
            self._end()
        else:
            self._fail(Closed(str(error or "closed")))

    # llhttp's side

    def on_message_begin(self) -> None:
        self._unasked = self.ended

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._unasked:
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._unasked:
            return
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._has_head = True
            self._until_close = "content-length" not in self.headers and "transfer-encoding" not in self.headers
            self._wake()

    def on_body(self, body: bytes) -> None:
        if self._unasked:
            return
        self._waiting_bytes += len(body)
        if self._drained:
            if self._waiting_bytes > _MOST_DRAINED_BYTES:
                self.abort()
            return
        self._pieces.append(body)
        self._wake()

    def on_message_complete(self) -> None:
        if self._unasked:
            return
        if self.status < 200:  # 100, 103: the answer itself is still to come
            self.headers = {}
            return
        self._keep = self._parser.should_keep_alive()
        self._end()
        if self._drained:
            self._loop.call_soon(self._end_drain)
