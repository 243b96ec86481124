"""Run queries of a serving worker in processes of their own; equal ones share a result for some seconds."""

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
from gateway.reports.span import Span

log = logging.getLogger("sekisho.usage")

FRESH_SECONDS = 10.0
_AT_ONCE = 2
_MOST_WAITING = 32
_TIMEOUT_SECONDS = 60.0
_KEPT = 256
_LARGEST_KEPT = 64 * 1024
"""Maximum size in bytes of a result that is cached."""


class Query(msgspec.Struct, frozen=True):
    """A question as it is sent to the other process: a `summary.Question`, or that of `speeds` for a span."""

    span: Span
    by: tuple[str, ...] = ()
    only: dict[str, list[str]] = {}
    limit: int = 10_000
    kind: Literal["summary", "speeds"] = "summary"


class QueryRunner:
    """Runs the queries of one worker, bounded in number, time and memory."""

    def __init__(self, config_file: Path) -> None:
        self._config_file = config_file
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._kept: TTLCache[bytes, bytes] = TTLCache(_KEPT, FRESH_SECONDS, timer=time.monotonic)
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
            task = self._running[question] = asyncio.create_task(self._answer(question), name="usage")
            task.add_done_callback(_looked_at)
        return await asyncio.shield(task)

    async def _answer(self, question: bytes) -> bytes:
        try:
            async with self._slots:
                answer = await _in_a_process(self._config_file, question)
        finally:
            del self._running[question]
        if len(answer) <= _LARGEST_KEPT:
            self._kept[question] = answer
        return answer


async def _in_a_process(config_file: Path, question: bytes) -> bytes:
    pipe = asyncio.subprocess.PIPE
    call = (sys.executable, "-m", "gateway.reports.query_process", str(config_file))
    process = await asyncio.create_subprocess_exec(*call, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        answer, problem = await asyncio.wait_for(process.communicate(question), _TIMEOUT_SECONDS)
    except TimeoutError:
        raise Overloaded("The question took too long. Ask for fewer days, or use `sekisho usage`.") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        log.error("a question about usage failed: %s", problem.decode(errors="replace").strip()[-2000:])
        raise Overloaded("The ledger cannot be read now; the gateway's log says why.", retry_after=30)
    return answer


def _looked_at(task: asyncio.Task[bytes]) -> None:
    """Retrieve the exception of a query that nobody may be waiting for; it is logged."""
    if not task.cancelled():
        task.exception()
