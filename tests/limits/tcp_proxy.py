"""A TCP proxy on a real socket that delays, closes, refuses or swallows what passes."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TcpProxy:
    """Stands before `port` of this machine. Its modes may change while connections are open.

    `delay`: seconds each way. `refuse`: new connections are closed at once. `swallow`: taken, and nothing passes.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.delay = 0.0
        self.refuse = False
        self.swallow = False
        self.accepted = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every open connection."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        self.swallow = False
        while left := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            self.cut()
            await asyncio.wait(left, timeout=0.2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            writer.close()
            return
        try:
            there, out = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        self._open |= {writer, out}
        await asyncio.gather(self._pass(reader, out), self._pass(there, writer))
        self._open -= {writer, out}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                while self.swallow and not writer.is_closing():  # noqa: ASYNC110  # set from another thread
                    await asyncio.sleep(0.02)
                await asyncio.sleep(self.delay)
                writer.write(part)
                await writer.drain()
        writer.close()


@contextmanager
def tcp_proxy(port: int) -> Iterator[TcpProxy]:
    """A running proxy."""
    proxy = TcpProxy(port)
    loop = proxy._loop
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(proxy._serve, "127.0.0.1", 0, backlog=1000)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy._end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
