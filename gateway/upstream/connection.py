"""One HTTP/1.1 connection: a request goes out, its answer comes in piece by piece."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from enum import IntEnum
from typing import cast

import httptools

_MOST_WAITING_BYTES = 1024 * 1024
"""Received but not read yet; beyond it the server is made to wait."""
_LARGEST_HEAD_BYTES = 256 * 1024
_DRAIN_SECONDS = 0.5
"""Longest wait for the end of a response whose content is complete."""
_MOST_DRAINED_BYTES = 64 * 1024


class Closed(ConnectionError):
    """The server closed the connection before its answer was complete."""


class ClosedUnanswered(Closed):
    """The server closed the connection before anything of its answer came."""


class NotHttp(ConnectionError):
    """What came is no answer."""


class ConnectionState(IntEnum):
    """How far the exchange on a connection is. From `COMPLETE` on nothing further may arrive."""

    REQUESTED = 0
    """Nothing of the answer has arrived."""
    ANSWERING = 1
    """The head of the answer is arriving."""
    BODY = 2
    """The head is here, and the body arrives."""
    BODY_UNTIL_CLOSE = 3
    """As `BODY`, of which only the end of the connection tells the length."""
    COMPLETE = 4
    """The answer is here. What of it was not read can still be; then the connection may carry another exchange."""
    SPENT = 5
    """As `COMPLETE`, on a connection that may carry no other exchange."""
    IDLE = 6
    CLOSED = 7


REQUESTED, ANSWERING, BODY, BODY_UNTIL_CLOSE, COMPLETE, SPENT, IDLE, CLOSED = ConnectionState


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. Failures are `OSError`s, `TimeoutError` among them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self.state: ConnectionState = IDLE
        self.status = 0
        self.headers: dict[str, str] = {}
        """Of the answer, by lower-case name."""
        self.made_at = self._loop.time()
        self.idle_since = 0.0
        self._error: OSError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        """Pending while the server does not take what we send."""
        self._sending = False
        """True until the last piece of a request's body is written."""
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._head_bytes = 0
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0.0
        self._total = False
        self._moved = 0.0
        self._drained: Callable[[Connection], None] | None = None
        self._at_end: Callable[[], None] | None = None

    def send(self, head: bytes, body: bytes, seconds: float, *, total: bool) -> None:
        """Begin an exchange. It fails `seconds` after it began, or after the last thing that arrived."""
        self.state = REQUESTED
        self.headers = {}
        self._pieces.clear()
        self._waiting_bytes = self._head_bytes = 0
        self._limit, self._total, self._moved = seconds, total, self._loop.time()
        self._timer = self._loop.call_later(seconds, self._check_time)
        self._transport.writelines((head, body))

    async def send_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        """Send a body after `send`, no faster than the server takes it. Ends where the server has answered before."""
        self._sending = True
        async for piece in pieces:
            if self._error:
                raise self._error
            if self.state >= BODY:
                return
            self._transport.write(piece)
            self._moved = self._loop.time()
            if self._writable:
                await self._writable
        self._sending = False

    async def head(self) -> None:
        """Wait for `status` and `headers`."""
        while self.state < BODY:
            await self._more()
        if self.state is CLOSED and self._error:
            raise self._error

    async def read(self) -> bytes:
        """Return what arrived of the body; empty at its end."""
        while not self._pieces:
            if self.state >= COMPLETE and not self._error:
                return b""
            await self._more()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._paused:
            self._moved = self._loop.time()  # while we did not read, the server could not send
            self._resume()
        return data

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the response is complete, though not all of it may have been read."""
        if self.state >= COMPLETE:
            callback()
        else:
            self._at_end = callback

    def release(self) -> bool:
        """End the exchange. Return whether the connection may carry another; else it is closed."""
        self._at_end = None
        self._stop_timer()
        if self.state is COMPLETE and not self._transport.get_write_buffer_size():
            self.state, self.idle_since = IDLE, self._loop.time()
            self._pieces.clear()
            if self._paused:  # else the next answer would never be heard
                self._resume()
            return True
        self.abort()
        return False

    def drain(self, drained: Callable[["Connection"], None]) -> None:
        """Read the rest of a response without its content, then call `drained` where the connection can be used again.

        Needs no task, so no cancellation reaches it. A response that does not end soon ends the connection.
        """
        if self.state >= COMPLETE:
            if self.release():
                drained(self)
            return
        self._drained = drained
        self._pieces.clear()
        self._waiting_bytes = 0
        self._stop_timer()
        self._timer = self._loop.call_later(_DRAIN_SECONDS, self.abort)
        if self._paused:
            self._resume()

    def abort(self) -> None:
        """Close the connection at once."""
        self.state, self._drained, self._at_end = CLOSED, None, None
        self._stop_timer()
        self._transport.abort()

    @property
    def alive(self) -> bool:
        return self.state is not CLOSED

    async def _more(self) -> None:
        """Wait until something happens. Raises the exchange's failure."""
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
        """End the exchange with an error and close the connection."""
        self._error = self._error or error
        self.abort()
        self._wake()
        self.resume_writing()

    def _complete(self, state: ConnectionState) -> None:
        """Take note that the response is here."""
        self.state = state
        self._wake()
        callback, self._at_end = self._at_end, None
        if callback:
            callback()

    def _end_drain(self) -> None:
        """Hand the connection over; not inside the parser, as a new exchange would begin there."""
        drained, self._drained = self._drained, None
        if drained and self.release():
            drained(self)

    def _check_time(self) -> None:
        """Fail where the limit has passed. Set once an exchange, however much arrives."""
        if self.state >= COMPLETE:  # the rest is here, however long the client takes to read it
            return
        if self._paused:
            self._moved = self._loop.time()
        quiet = self._loop.time() - self._moved
        if quiet >= self._limit - 0.001:
            self._fail(TimeoutError())
        else:
            self._timer = self._loop.call_later(self._limit - quiet, self._check_time)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _resume(self) -> None:
        self._paused = False
        self._transport.resume_reading()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none of asyncio's classes

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def data_received(self, data: bytes) -> None:
        if self.state >= COMPLETE:  # nobody asked
            self._forbid_reuse()
            return
        if self.state is REQUESTED:
            self.state = ANSWERING
        if not self._total:
            self._moved = self._loop.time()
        if self.state is ANSWERING:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self.state in (COMPLETE, SPENT):
                self._forbid_reuse()
            else:
                self._fail(NotHttp("what came is not HTTP"))
            return
        if self._waiting_bytes > _MOST_WAITING_BYTES and not self._paused and self.state is not CLOSED:
            self._paused = True
            self._transport.pause_reading()
        if self.state is ANSWERING and self._head_bytes > _LARGEST_HEAD_BYTES:
            self._fail(NotHttp("a head without end"))

    def _forbid_reuse(self) -> None:
        """Close the connection, of whose last answer the rest may still be read."""
        self.state = CLOSED if self.state is IDLE else SPENT
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._drained:
            self.abort()
        elif self.state in (COMPLETE, SPENT):
            self.state = SPENT
        elif self.state is BODY_UNTIL_CLOSE and error is None:
            self._complete(SPENT)
        elif self.state < COMPLETE:
            closed = ClosedUnanswered if self.state is REQUESTED else Closed
            self._fail(closed(str(error or "closed")))
        else:
            self.state = CLOSED

    # llhttp's side

    def on_message_begin(self) -> None:
        if self.state >= COMPLETE:  # a second response to one request
            self.state = SPENT

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.state < COMPLETE:
            known, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self.headers[known] = f"{self.headers[known]}, {text}" if known in self.headers else text

    def on_headers_complete(self) -> None:
        if self.state >= COMPLETE:
            return
        self.status = self._parser.get_status_code()
        if self.headers.get("transfer-encoding", "chunked").lower() != "chunked":
            self._fail(NotHttp("a transfer coding that nobody asked for"))
        elif self.status >= 200:
            sized = "content-length" in self.headers or "transfer-encoding" in self.headers
            self.state = BODY if sized else BODY_UNTIL_CLOSE
            self._wake()
            self.resume_writing()  # who still sends need not: the server may never take it

    def on_body(self, body: bytes) -> None:
        if self.state >= COMPLETE:
            return
        self._waiting_bytes += len(body)
        if self._drained:
            if self._waiting_bytes > _MOST_DRAINED_BYTES:
                self.abort()
            return
        self._pieces.append(body)
        self._wake()

    def on_message_complete(self) -> None:
        if self.state >= COMPLETE:
            return
        if self.status < 200:  # 100, 103: the answer itself is still to come
            self.headers = {}
            return
        reusable = self._parser.should_keep_alive() and not self._sending
        self._complete(COMPLETE if reusable else SPENT)
        if self._drained:
            self._loop.call_soon(self._end_drain)
