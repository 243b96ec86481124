"""Messages of the session on their way to a server: the write stream of `ClientSession`."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest

from gateway.mcp.stdio.inbox import Inbox


class Outbox(asyncio.BaseProtocol):
    """Writes each message as one line; waits while the server does not read, at most `patience` seconds.

    It is the protocol of the pipe as well, which tells when the pipe is full.
    """

    def __init__(self, inbox: Inbox, patience: float, stuck: Callable[[], None]) -> None:
        self._inbox, self._patience, self._stuck = inbox, patience, stuck
        self._pipe: asyncio.WriteTransport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pipe = cast(asyncio.WriteTransport, transport)  # uvloop's are no subclass

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed = True
        self._writable.set()

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message; raise ClosedResourceError when the server is gone."""
        while not self._writable.is_set():
            await self._until_writable()
        if self._is_closed or self._pipe is None:
            raise anyio.ClosedResourceError
        self._note(item)
        self._pipe.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    async def _until_writable(self) -> None:
        try:
            await asyncio.wait_for(self._writable.wait(), self._patience)
        except TimeoutError:
            self._stuck()
            raise anyio.ClosedResourceError from None

    def _note(self, item: SessionMessage) -> None:
        message = item.message
        if isinstance(message, JSONRPCRequest):
            self._inbox.expect(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._inbox.forget((message.params or {}).get("requestId"))

    async def aclose(self) -> None:
        """Leave the pipe open: it closes with the transport, as the server may still want to answer."""

    def close(self) -> None:
        """Close the server's stdin once what was written has gone out."""
        self._is_closed = True
        self._writable.set()
        if self._pipe is not None:
            self._pipe.close()

    def abort(self) -> None:
        """Close the pipe without what it has not taken."""
        self.close()
        if self._pipe is not None:
            self._pipe.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
