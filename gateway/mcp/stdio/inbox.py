"""Messages of a server on their way to the session: the read stream of `ClientSession`."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from gateway.mcp.stdio.messages import messages
from gateway.mcp.stdio.pace import Flood, Pace

_OVERHEAD = 64
"""Bytes that a waiting line costs beside its own."""
_IN_A_ROW = 16
"""Lines read before other tasks get their turn."""
_MOST_EXPECTED = 10_000

Line = bytes | bytearray


class Inbox:
    """Keeps lines until the session takes them, and decodes them only then, so that the limit holds for memory too.

    `full` is called with True when more than `limit` bytes wait and with False when half of them are gone; `flooded`
    when the server sends far too much that nobody asked for. `noise` counts lines that are no messages, `unexpected`
    answers that no request waits for.
    """

    def __init__(self, limit: int, pace: Pace, full: Callable[[bool], None], flooded: Callable[[], None]) -> None:
        self._limit, self._pace, self._full, self._flooded = limit, pace, full, flooded
        self._lines: deque[Line] = deque()
        self._ready: deque[JSONRPCMessage] = deque()
        self._bytes = 0
        self._is_full = False
        self._is_ended = False
        self._arrived = asyncio.Event()
        self._taken = 0
        self._expected: dict[str, None] = {}
        self.noise = 0
        self.unexpected = 0

    def put(self, lines: Iterable[Line]) -> None:
        if self._is_ended:
            return
        for line in lines:
            self._lines.append(line)
            self._bytes += len(line) + _OVERHEAD
        self._arrived.set()
        if not self._is_full and self._bytes > self._limit:
            self._is_full = True
            self._full(True)

    def end(self) -> None:
        """Give out what waits, then end the stream."""
        self._is_ended = True
        self._arrived.set()

    def expect(self, request_id: int | str) -> None:
        """Note a request, so that its answer may pass."""
        if len(self._expected) >= _MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]
        self._expected[str(request_id)] = None

    def forget(self, request_id: object) -> None:
        """Note that a request was cancelled."""
        self._expected.pop(str(request_id), None)

    async def receive(self) -> SessionMessage:
        """Return the next message; raise EndOfStream at the end."""
        while not self._ready:
            self._decode(await self._next_line())
        return SessionMessage(self._ready.popleft())

    async def _next_line(self) -> Line:
        self._taken += 1
        if self._taken % _IN_A_ROW == 0:
            await asyncio.sleep(0)
        while not self._lines:
            if self._is_ended:
                raise anyio.EndOfStream
            self._arrived.clear()
            await self._arrived.wait()
        return self._take()

    def _take(self) -> Line:
        line = self._lines.popleft()
        self._bytes -= len(line) + _OVERHEAD
        if self._is_full and self._bytes <= self._limit // 2:
            self._is_full = False
            self._full(False)
        return line

    def _decode(self, line: Line) -> None:
        found = list(messages(line))
        try:
            self._ready.extend(each for each in found if self._passes(each))
            if not found and line.strip():
                self.noise += 1
                self._pace.admits()
        except Flood:
            self._flooded()

    def _passes(self, message: JSONRPCMessage) -> bool:
        match message:
            case JSONRPCResponse() | JSONRPCError():
                if str(message.id) in self._expected:
                    del self._expected[str(message.id)]
                    return True
                self.unexpected += 1
                self._pace.admits()
                return False
            case JSONRPCNotification() | JSONRPCRequest():
                return self._pace.admits()

    def discard(self) -> None:
        """End the stream without what waits."""
        self._lines.clear()
        self._ready.clear()
        self._bytes = 0
        self.end()

    async def aclose(self) -> None:
        self.discard()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
