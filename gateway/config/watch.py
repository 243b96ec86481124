"""Edited files are picked up while running. A file that cannot be used changes nothing."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.config.load import load
from gateway.errors import ConfigError
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.config")

POLL_SECONDS = 1.0
"""Looking is portable: it also sees Kubernetes' swapped links and network drives."""


@asynccontextmanager
async def watching(file: Path, runtime: Runtime) -> AsyncIterator[None]:
    """Swap in changes for as long as the block runs; SIGHUP looks at once."""
    now = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGHUP, now.set)
    task = asyncio.create_task(_watch(file, runtime, now), name="config")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(file: Path, runtime: Runtime, now: asyncio.Event) -> None:
    seen = await asyncio.to_thread(_marks, runtime.files)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(now.wait(), POLL_SECONDS)
        marks = await asyncio.to_thread(_marks, runtime.files)
        if marks == seen and not now.is_set():
            continue
        now.clear()
        await _reload(file, runtime)
        seen = await asyncio.to_thread(_marks, runtime.files)


async def _reload(file: Path, runtime: Runtime) -> None:
    try:
        loaded = await asyncio.to_thread(load, file)
    except ConfigError as error:
        log.error("the changed configuration is refused, the old one stays:\n%s", error)
        return
    runtime.swap(loaded)
    log.info("configuration changed: %d models", len(loaded.config.models))


def _marks(files: Iterable[Path]) -> list[tuple[int, int]]:
    """Time and size of every file; a missing one differs from any."""
    marks = []
    for file in files:
        try:
            status = file.stat()
            marks.append((status.st_mtime_ns, status.st_size))
        except OSError:
            marks.append((0, 0))
    return marks
