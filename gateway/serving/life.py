"""Life cycle of a server process: draining after SIGTERM, ending with the parent."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import FrameType

import uvicorn

from gateway.serving.connections import Connections

log = logging.getLogger("sekisho.serving")

PARENT = "SEKISHO_PARENT_PID"
"""The environment variable by which a worker process knows its parent."""
_PROBED_SECONDS = 60.0
"""Seconds; a balancer that asked /readyz within them can notice the stop before it happens."""
_LOOK_SECONDS = 0.1


@asynccontextmanager
async def draining(connections: Connections, stopping: Callable[[], None]) -> AsyncIterator[None]:
    """Serve on for `server.drain_seconds` after SIGTERM, while the block runs; a second signal ends that at once.

    `stopping` is called at the first signal; it makes /readyz answer 503. Nobody is waited for where no connection
    is open and no balancer asked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, stop = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    waits: list[asyncio.Task[None]] = []

    async def drain() -> None:
        until = loop.time() + connections.limits.drain_seconds
        asked = connections.probed_at and time.monotonic() - connections.probed_at < _PROBED_SECONDS
        while loop.time() < until and (asked or len(connections)):  # noqa: ASYNC110  # nobody tells when the last closes
            await asyncio.sleep(_LOOK_SECONDS)
        server = getattr(stop, "__self__", None)
        if isinstance(server, uvicorn.Server):
            await close_listeners(server)
        _call(stop)

    def begin() -> None:
        stopping()
        connections.stopping = True
        if waits:
            _call(stop)
        else:
            waits.append(loop.create_task(drain(), name="drain"))

    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(begin))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, stop)
        for each in waits:
            each.cancel()


@asynccontextmanager
async def ending_with_parent() -> AsyncIterator[None]:
    """End a worker process whose parent is gone, while the block runs: it would keep the port from a new parent."""
    parent = os.environ.get(PARENT)
    task = asyncio.create_task(_watch(int(parent)), name="parent") if parent else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _watch(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  # the system tells nobody
        await asyncio.sleep(_LOOK_SECONDS)
    log.error("the parent process is gone; this worker ends")
    os.kill(os.getpid(), signal.SIGTERM)


def _call(handler: Callable[[int, FrameType | None], object] | int | None) -> None:
    if callable(handler):
        handler(signal.SIGTERM, None)


async def close_listeners(server: uvicorn.Server) -> None:
    """Stop listening without a reset for clients that are connected already and wait to be accepted."""
    waiting: list[socket.socket] = []
    for listener in server.servers:
        twins = [socket.socket(fileno=os.dup(each.fileno())) for each in listener.sockets]
        listener.close()
        await asyncio.sleep(0)  # the event loop closes its own
        for twin in twins:
            waiting += _accepted(twin)
            twin.close()
    loop, config = asyncio.get_running_loop(), server.config
    for each in waiting:
        await loop.connect_accepted_socket(
            lambda: config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=server.server_state, app_state=server.lifespan.state, _loop=loop
            ),
            each,
        )


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """Accept all pending connections."""
    listener.setblocking(False)
    accepted: list[socket.socket] = []
    with suppress(OSError):
        while True:
            accepted.append(listener.accept()[0])
    return accepted
