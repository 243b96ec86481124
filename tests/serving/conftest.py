"""The HTTP protocol under uvicorn, in front of a small application, with raw sockets as clients."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from gateway.config.schema import Server
from gateway.serving.connections import Connections
from gateway.serving.protocol import HttpProtocol


class Application:
    """Answers with method, path and body. `/stream` sends events, `/silent` waits, `/early` reads no body."""

    def __init__(self, limits: Server) -> None:
        self.connections = Connections(lambda: limits)
        self.seen: list[tuple[str, str, bytes]] = []
        self.scopes: list[Scope] = []
        self.left: list[str] = []
        self.left_at = 0.0
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        self.scopes.append(scope)
        handler = getattr(self, scope["path"].strip("/"), self.echo)
        await handler(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._stack.enter_async_context(self.connections.sweeping())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.append(scope["path"])
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.seen.append((scope["method"], scope["path"], body))
        told = b"%s %s %s" % (scope["method"].encode(), scope["path"].encode(), body)
        await send(_start((b"content-length", b"%d" % len(told))))
        await send({"type": "http.response.body", "body": told})

    async def early(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._until_gone(scope, receive, send, _start((b"content-type", b"text/event-stream")))

    async def silent(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._until_gone(scope, receive, send, None)

    async def flood(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(_start((b"content-type", b"text/event-stream")))
        while not self.left:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
            self._note(scope, await _now(receive))

    async def _until_gone(self, scope: Scope, receive: Receive, send: Send, start: Message | None) -> None:
        """Answer two seconds later, unless the client leaves before."""
        await receive()
        if start:
            await send(start)
            await send({"type": "http.response.body", "body": b"data: one\n\n", "more_body": True})
        watcher = asyncio.ensure_future(receive())
        await asyncio.wait({watcher}, timeout=2)
        if watcher.done():
            self._note(scope, watcher.result())
            return
        watcher.cancel()
        if not start:
            await send(_start((b"content-length", b"9")))
        await send({"type": "http.response.body", "body": b"the end\n\n"})

    def _note(self, scope: Scope, message: Message | None) -> None:
        if message and message["type"] == "http.disconnect":
            self.left.append(scope["path"])
            self.left_at = time.monotonic()


async def _now(receive: Receive) -> Message | None:
    """Return a message that is there already, after the first."""
    try:
        async with asyncio.timeout(0.001):
            return await receive()
    except TimeoutError:
        return None


def _start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


class Client(socket.socket):
    """A raw connection."""

    def ask(self, data: bytes, seconds: float = 10) -> bytes:
        """Send bytes; return everything that comes until the server closes or `seconds` are over."""
        self.sendall(data)
        return self.rest(seconds)

    def rest(self, seconds: float = 10) -> bytes:
        deadline, got = time.monotonic() + seconds, b""
        while (left := deadline - time.monotonic()) > 0:
            self.settimeout(left)
            try:
                part = self.recv(65536)
            except (TimeoutError, ConnectionError):
                break
            if not part:
                break
            got += part
        return got

    def closed(self, seconds: float) -> bool:
        """Return whether the server closes the connection within `seconds`."""
        self.settimeout(seconds)
        try:
            while self.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


class Running:
    """A server with its application; `client()` connects."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self.app = Application(Server(**limits))
        config = uvicorn.Config(
            self.app, port=0, http=HttpProtocol, log_config=None, access_log=False, proxy_headers=False, lifespan="on"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def client(self) -> Client:
        made = Client(socket.AF_INET, socket.SOCK_STREAM)
        made.connect(("127.0.0.1", self.port))
        return made

    def ask(self, data: bytes, seconds: float = 10) -> bytes:
        with self.client() as client:
            return client.ask(data, seconds)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Start a server with the given limits; all are stopped after the test."""
    running: list[Running] = []

    def start(**limits: Any) -> Running:
        running.append(Running(limits))
        return running[-1]

    yield start
    for each in running:
        each.stop()
