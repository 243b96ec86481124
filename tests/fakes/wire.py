"""A server that says exactly the bytes it is told, and a web proxy that remembers what it was asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Conversation = Callable[["Caller"], Coroutine[Any, Any, None]]


@dataclass
class Caller:
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request(self) -> tuple[str, bytes]:
        """The next request's head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        return head.decode("latin-1"), await self.reader.readexactly(length)

    async def say(self, *pieces: bytes, pause: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)


@asynccontextmanager
async def saying(conversation: Conversation) -> AsyncIterator[str]:
    """Serve each connection with `conversation`, then close it; gives the address."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        running.add(asyncio.current_task())
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await conversation(Caller(reader, writer, count))
        finally:
            writer.close()

    running: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in running:
            if task:
                task.cancel()
        await asyncio.gather(*(task for task in running if task), return_exceptions=True)


@dataclass
class WebProxy:
    """Carries CONNECT, and requests with a whole address, to one place whatever they name."""

    place: tuple[str, int]
    refuses: bool = False
    asked: list[str] = field(default_factory=list)
    """The heads of requests."""

    async def serve(self, caller: Caller) -> None:
        head = (await caller.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.asked.append(head)
        if self.refuses:
            return await caller.say(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        reader, writer = await asyncio.open_connection(*self.place)
        if head.startswith("CONNECT "):
            await caller.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            method, address, version = head.split("\r\n", 1)[0].split(" ")
            path = "/" + address.split("/", 3)[3]
            writer.write(head.replace(f"{method} {address} {version}", f"{method} {path} {version}").encode("latin-1"))
        await asyncio.gather(_carry(caller.reader, writer), _carry(reader, caller.writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
