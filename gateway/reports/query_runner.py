"""Run queries of a serving worker in a process of its own that stays; equal ones share a result for some seconds."""

import asyncio
import contextlib
import logging
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec
from cachetools import TTLCache

from gateway.errors import Overloaded
from gateway.reports.rollup import answers
from gateway.reports.span import Span
from gateway.reports.summary import Question

log = logging.getLogger("sekisho.usage")

FRESH_SECONDS = 10.0
LENGTH_BYTES = 4
_KEPT_SECONDS = 2.0
"""A result is kept so long, beside the age that it has itself."""
_MOST_WAITING = 32
_TIMEOUT_SECONDS = 60.0
_IDLE_SECONDS = 1800.0
"""The process ends when nobody has asked for so long."""
_KEPT = 256
_LARGEST_KEPT = 64 * 1024
"""Maximum size in bytes of a result that is cached."""


class Query(msgspec.Struct, frozen=True):
    """A question as it is sent to the other process: a `summary.Question`, or that of `speeds` for a span."""

    span: Span
    by: tuple[str, ...] = ()
    only: dict[str, list[str]] = {}
    limit: int = 10_000
    details: bool = False
    kind: Literal["summary", "speeds"] = "summary"

    @property
    def of_sums(self) -> bool:
        """Return whether the sums by the hour tell the answer."""
        return self.kind == "summary" and answers(Question(self.span, self.by, self.only))


class QueryRunner:
    """Runs the queries of one worker, bounded in number, time and memory.

    What the sums by the hour tell is asked of one process, what needs the records of another: neither waits for the
    other.
    """

    def __init__(self, config_file: Path) -> None:
        self._sums, self._records = _Process(config_file), _Process(config_file)
        self._kept: TTLCache[bytes, bytes] = TTLCache(_KEPT, _KEPT_SECONDS, timer=time.monotonic)
        self._running: dict[bytes, asyncio.Task[bytes]] = {}

    async def ask(self, asked: Query) -> bytes:
        """Return the result of `summary` as JSON, up to `FRESH_SECONDS` old. Raises `Overloaded`."""
        question = msgspec.json.encode(asked, order="sorted")
        if answer := self._kept.get(question):
            return answer
        task = self._running.get(question)
        if task is None:
            if len(self._running) >= _MOST_WAITING:
                raise Overloaded("Too many questions about usage at once; ask again in some seconds.", retry_after=5)
            process = self._sums if asked.of_sums else self._records
            task = self._running[question] = asyncio.create_task(self._answer(process, question), name="usage")
            task.add_done_callback(_looked_at)
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """End the processes."""
        await self._sums.stop()
        await self._records.stop()

    async def _answer(self, process: "_Process", question: bytes) -> bytes:
        try:
            answer = await process.ask(question)
        finally:
            del self._running[question]
        if len(answer) <= _LARGEST_KEPT:
            self._kept[question] = answer
        return answer


class _Process:
    """A process of `query_process`, started when it is asked, ended when nobody asks."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, question: bytes) -> bytes:
        """Return the answer. Raises `Overloaded`; the process ends where an exchange broke off."""
        async with self._turn:
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    answer = await self._exchanged(question)
            except TimeoutError:
                await self.stop()
                raise Overloaded("The question took too long. Ask for fewer days, or use `sekisho usage`.") from None
            except (OSError, asyncio.IncompleteReadError) as error:
                await self.stop()
                raise _unreadable(f"its process ended ({type(error).__name__})") from None
            except BaseException:
                await self.stop()  # its answer would be taken for that of the next question
                raise
        self._stop_when_idle()
        if answer[:1] != b"+":
            raise _unreadable(answer[1:2001].decode(errors="replace"))
        return answer[1:]

    async def stop(self) -> None:
        """End the process."""
        if self._idle:
            self._idle.cancel()
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _exchanged(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            call = (sys.executable, "-m", "gateway.reports.query_process", str(self._config_file))
            process = self._process = await asyncio.create_subprocess_exec(*call, stdin=pipe, stdout=pipe)
        assert process.stdin
        assert process.stdout
        process.stdin.write(len(question).to_bytes(LENGTH_BYTES) + question)
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
        return await process.stdout.readexactly(length)

    def _stop_when_idle(self) -> None:
        if self._idle:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(_IDLE_SECONDS, lambda: loop.create_task(self._stop_idle()))

    async def _stop_idle(self) -> None:
        async with self._turn:
            await self.stop()


def _unreadable(problem: str) -> Overloaded:
    log.error("a question about usage failed: %s", problem)
    return Overloaded("The ledger cannot be read now; the gateway's log says why.", retry_after=30)


def _looked_at(task: asyncio.Task[bytes]) -> None:
    """Retrieve the exception of a query that nobody may be waiting for; it is logged."""
    if not task.cancelled():
        task.exception()
