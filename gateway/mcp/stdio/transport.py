"""The connection to a tool server over its stdin and stdout."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import cast

import anyio

from gateway.mcp.stdio.command import MIB, StdioCommand
from gateway.mcp.stdio.inbox import Inbox
from gateway.mcp.stdio.lines import LineSplitter, LineTooLong
from gateway.mcp.stdio.outbox import Outbox
from gateway.mcp.stdio.pace import Pace
from gateway.mcp.stdio.process import Process
from gateway.mcp.stdio.stderr import Tail

_STDIN_PATIENCE_SECONDS = 30.0
_DRAIN_SECONDS = 0.5
"""How long output that is still in the pipes is waited for after the end of the server."""


class StdioTransport:
    """One server process with its two streams; entered and left once, by the same task.

    A server that sends a line over the limit, floods, or does not read its stdin is killed; `last_words` says why.
    """

    def __init__(self, command: StdioCommand) -> None:
        self._command = command
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._reason = ""
        self._is_stopping = False
        self._errors = _Reader(self._hear)
        self._output = _Reader(self._read)
        self._tail = Tail(command.stderr_bytes)
        self._splitter = LineSplitter(command.message_bytes)
        self._inbox = Inbox(command.queued_bytes, Pace(time.monotonic), self._output.pause, self._flooded)
        self._outbox = Outbox(self._inbox, _STDIN_PATIENCE_SECONDS, self._stuck)
        self.ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process group of the server, while it lives."""
        return self._process.pid if self._process and not self._process.ended.is_set() else None

    @property
    def noise_lines(self) -> int:
        """Number of lines on stdout that were no messages."""
        return self._inbox.noise

    def last_words(self) -> str:
        """Return why the server ended and the last lines of its stderr, without secrets."""
        reason = self._reason or (self._process.report if self._process else "")
        said = self._tail.text(self._command.secrets)
        return f"{reason}; its last lines: {said}" if reason and said else reason or said

    async def __aenter__(self) -> tuple[Inbox, Outbox]:
        """Start the server; raise UpstreamDown where it cannot be started."""
        self._process = await Process.start(self._command)
        self._watcher = asyncio.create_task(self._watch(self._process))
        try:
            await self._connect(self._process)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self._inbox, self._outbox

    async def _connect(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        stdin, stdout, stderr = process.pipes
        await loop.connect_read_pipe(lambda: self._errors, stderr)
        await loop.connect_read_pipe(lambda: self._output, stdout)
        await loop.connect_write_pipe(lambda: self._outbox, stdin)

    def _hear(self, data: bytes) -> None:
        if not self._reason:  # what it complains about while it is killed says nothing
            self._tail.write(data)

    def _read(self, data: bytes) -> None:
        try:
            self._inbox.put(self._splitter.feed(data))
        except LineTooLong:
            self._kill(f"sent a message of more than {_size(self._command.message_bytes)}")

    def _flooded(self) -> None:
        self._kill("sends far more messages than anybody asked for")

    def _stuck(self) -> None:
        self._kill("does not read its input")

    def _kill(self, reason: str) -> None:
        """End the connection at once, whatever the process does."""
        if self.ended.is_set() or self._process is None:
            return
        self._reason = self._reason or reason
        self._output.abort()
        self._inbox.discard()
        self._process.kill()

    async def _watch(self, process: Process) -> None:
        """End the streams when the server has ended and what it wrote before is read."""
        await _first(process.ended, self._output.ended)
        if not self._is_stopping and not await _within(_DRAIN_SECONDS, process.ended):
            self._kill("closed its output")  # and lives on
        await process.ended.wait()
        self.ended.set()
        await _within(_DRAIN_SECONDS, self._output.ended)
        await _within(_DRAIN_SECONDS, self._errors.ended)
        self._inbox.end()
        for pipe in (self._outbox, self._output, self._errors):
            pipe.abort()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and all it started. A cancelled stop kills at once, and still waits for the end."""
        stopping = asyncio.ensure_future(self._stop())
        cancelled: asyncio.CancelledError | None = None
        with anyio.CancelScope(shield=True):
            while not stopping.done():
                try:
                    await asyncio.wait({stopping})
                except asyncio.CancelledError as caught:
                    cancelled = caught
                    self._kill("was stopped")
        if cancelled:
            raise cancelled

    async def _stop(self) -> None:
        assert self._process
        assert self._watcher
        self._is_stopping = True
        self._inbox.discard()
        self._outbox.close()
        for further in (self._process.terminate, self._process.kill, self._process.kill_group):
            if await _within(self._command.stop_seconds, self._process.ended):
                break
            further()
        await _within(self._command.stop_seconds, self._process.ended)
        await asyncio.wait({self._watcher}, timeout=4 * _DRAIN_SECONDS)
        self._watcher.cancel()


class _Reader(asyncio.Protocol):
    """Reads a pipe; `ended` is set when nothing more comes."""

    def __init__(self, read: Callable[[bytes], None]) -> None:
        self._read = read
        self._pipe: asyncio.ReadTransport | None = None
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pipe = cast(asyncio.ReadTransport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def pause(self, is_full: bool) -> None:
        """Stop reading, so that the server has to wait; or go on."""
        if self._pipe is not None and not self._pipe.is_closing():
            (self._pipe.pause_reading if is_full else self._pipe.resume_reading)()

    def abort(self) -> None:
        if self._pipe is not None:
            self._pipe.close()


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event, at most so long; return whether it is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _size(number: int) -> str:
    return f"{number // MIB} MiB" if number >= MIB else f"{number} bytes"
