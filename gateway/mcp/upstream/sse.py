"""HTTP with SSE, the transport of 2024-11-05: one stream of events, and an address for what the server is sent."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import anyio
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, METHOD_NOT_FOUND, ErrorData, JSONRPCError, JSONRPCMessage, JSONRPCRequest

from gateway.mcp.errors import HttpFailure, UpstreamDown
from gateway.mcp.stdio.messages import messages
from gateway.mcp.transport import Streams
from gateway.mcp.upstream.events import Event
from gateway.mcp.upstream.http_sender import Sender
from gateway.mcp.upstream.reading import events_of
from gateway.upstream.answer import UpstreamAnswer

_GONE = (anyio.ClosedResourceError, anyio.BrokenResourceError)


class SseTransport:
    """One connection over which a server sends events; what it is sent goes to the address that it names."""

    def __init__(
        self, server: str, url: str, to_address: Callable[[str], Sender], message_bytes: int, connect: float
    ) -> None:
        """Take what makes a sender to an address, and the seconds (`connect`) until the server has named its own."""
        self._server = server
        self._url = url
        self._to_address = to_address
        self._limit = message_bytes
        self._connect = connect
        self._reason = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._answer: UpstreamAnswer | None = None
        self._received, self._read = anyio.create_memory_object_stream[SessionMessage | Exception]()
        self._write, self._sent = anyio.create_memory_object_stream[SessionMessage]()
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Streams:
        try:
            async with asyncio.timeout(self._connect):
                self._answer = answer = await self._to_address(self._url).open("GET")
                events = events_of(answer, self._server, self._limit)
                sender = self._to_address(await self._endpoint(answer, events))
        except TimeoutError:
            self._close()
            raise UpstreamDown(self._server, "it names no address for messages in time") from None
        except BaseException:
            self._close()
            raise
        self._tasks = [
            asyncio.create_task(self._keep_reading(events), name="reading a tool server"),
            asyncio.create_task(self._keep_sending(sender), name="writing to a tool server"),
        ]
        return self._read, self._write

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close()

    def last_words(self) -> str:
        return self._reason

    def _end(self, reason: str = "") -> None:
        """Let those know who wait for the server that nothing more comes."""
        self._reason = self._reason or reason
        self._received.close()
        self._sent.close()
        self.ended.set()

    def _close(self) -> None:
        self._end()
        self._read.close()
        self._write.close()
        if self._answer is not None:
            self._answer.close()

    async def _endpoint(self, answer: UpstreamAnswer, events: AsyncGenerator[Event, None]) -> str:
        """Return the address for messages, which is one of the same server. Raises `UpstreamDown`."""
        if not answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
            raise UpstreamDown(self._server, "its answer is no stream of events")
        async for event in events:
            if event.name == b"endpoint":
                return _endpoint(self._server, self._url, event.data)
        raise UpstreamDown(self._server, "it names no address for messages")

    async def _keep_reading(self, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    for message in messages(event.data) if event.name == b"message" else ():
                        await self._received.send(SessionMessage(message))
        except UpstreamDown as error:
            self._end(error.reason)
        except _GONE:
            pass
        finally:
            self._end()

    async def _keep_sending(self, sender: Sender) -> None:
        try:
            async for item in self._sent:
                await self._post(sender, item.message)
        except _GONE:
            pass
        finally:
            self._end()

    async def _post(self, sender: Sender, message: JSONRPCMessage) -> None:
        """Send a message; one that is refused fails alone, where the server still knows the connection."""
        try:
            body = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            (await sender.open("POST", body)).finish()
        except (MCPError, HttpFailure) as error:
            if _is_lost(error):
                self._end("it no longer knows the connection")
            elif isinstance(message, JSONRPCRequest):
                await self._received.send(SessionMessage(_failed(message, error)))
        except UpstreamDown as error:
            self._end(error.reason)


def _endpoint(server: str, url: str, named: bytes) -> str:
    """Return the address that a server names for messages. Raises `UpstreamDown` for one of another server."""
    try:
        target = urljoin(url, named.decode("ascii").strip())
        ours, theirs = urlsplit(url), urlsplit(target)
    except ValueError:
        theirs = None
    if theirs is None or not target.isprintable() or " " in target:
        raise UpstreamDown(server, "the address that it names for messages is none")
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise UpstreamDown(server, "it names an address of another server for messages")
    return target


def _is_lost(error: MCPError | HttpFailure) -> bool:
    return error.status >= 500 if isinstance(error, HttpFailure) else error.code == METHOD_NOT_FOUND


def _failed(request: JSONRPCRequest, error: MCPError | HttpFailure) -> JSONRPCError:
    found = ErrorData(code=INTERNAL_ERROR, message=error.reason) if isinstance(error, HttpFailure) else error.error
    return JSONRPCError(jsonrpc="2.0", id=request.id, error=found)
