"""Edited files are picked up while running. A file that cannot be used changes nothing."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.config.changes import check_change
from gateway.config.document import Document
from gateway.config.load import Loaded
from gateway.config.startable import load_startable
from gateway.errors import ConfigError
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.config")

POLL_SECONDS = 1.0
"""Looking is portable: it also sees Kubernetes' swapped links and network drives."""
_SETTLE_SECONDS = 0.2
"""A file that is still being written is left alone until it stays the same for so long."""
_MOST_LOOKS = 50

Marks = list[tuple[int, int, int]]


@asynccontextmanager
async def watching(file: Path, runtime: Runtime) -> AsyncIterator[None]:
    """Swap in changes for as long as the block runs; SIGHUP looks at once."""
    now = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGHUP, now.set)
    task = asyncio.create_task(Watcher(file, runtime).watch(now), name="config")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Watcher:
    """Reloads one configuration. Survives every failure of a reload: the old configuration stays."""

    def __init__(self, file: Path, runtime: Runtime) -> None:
        self._file = file
        self._runtime = runtime
        self._files = list(runtime.files)
        """The files of the last attempt, refused or not: mending any of them is a change."""
        self._texts = dict(runtime.texts)

    async def watch(self, now: asyncio.Event) -> None:
        """Run until cancelled."""
        seen = await asyncio.to_thread(_marks, self._files)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), POLL_SECONDS)
            marks = await asyncio.to_thread(_marks, self._files)
            if marks == seen and not now.is_set():
                continue
            now.clear()
            await self._settled(marks)
            seen = await self._reloaded()

    async def _settled(self, marks: Marks) -> None:
        """Wait until the files stay the same."""
        for _ in range(_MOST_LOOKS):
            await asyncio.sleep(_SETTLE_SECONDS)
            later = await asyncio.to_thread(_marks, self._files)
            if later == marks:
                return
            marks = later

    async def _reloaded(self) -> Marks:
        """Reload, log how it went, and return the marks of the files from before they were read."""
        document = Document()
        before = await asyncio.to_thread(_marks, self._files)
        try:
            loaded = await asyncio.to_thread(self._checked, document)
            self._runtime.swap(loaded)
            self._texts = dict(document.texts)
            log.info("configuration changed: %d models", len(loaded.config.models))
        except ConfigError as error:
            log.error("the changed configuration is refused, the old one stays:\n%s", error)
        except Exception as error:
            log.error(
                "the changed configuration is refused, the old one stays:\n%s: cannot be used (%s)",
                self._file,
                type(error).__name__,
                exc_info=log.isEnabledFor(logging.DEBUG),
            )
        if not document.files or document.files == self._files:
            return before
        self._files = list(document.files)
        return await asyncio.to_thread(_marks, self._files)

    def _checked(self, document: Document) -> Loaded:
        loaded = load_startable(self._file, document=document)
        check_change(self._runtime.current.config, self._texts, loaded)
        return loaded


def _marks(files: Iterable[Path]) -> Marks:
    """Time, size and inode of every file; a missing one differs from any."""
    marks = []
    for file in files:
        try:
            status = file.stat()
            marks.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except (OSError, ValueError):
            marks.append((0, 0, 0))
    return marks
