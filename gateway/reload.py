"""Reload the configuration when its files change. A file that cannot be used changes nothing."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.audit.configuration import record_applied, record_refused
from gateway.config.changes import check_change
from gateway.config.document import Document
from gateway.config.load import Loaded
from gateway.config.yaml_file import Mark, mark_of
from gateway.errors import ApiError, ConfigError
from gateway.preflight import load_startable
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.config")

POLL_SECONDS = 1.0
"""Seconds between two checks of the files; polling also sees Kubernetes' swapped links and network drives."""
_SETTLE_SECONDS = 0.2
"""Seconds that a file must stay unchanged before it is read."""
_MOST_LOOKS = 50


@asynccontextmanager
async def watching(file: Path, runtime: Runtime) -> AsyncIterator[None]:
    """Watch the configuration for as long as the block runs; SIGHUP reloads at once."""
    await _record_start(runtime)
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


async def _record_start(runtime: Runtime) -> None:
    """Record the configuration of the start where it is another than the last one. People are served without it, too:
    it is recorded at the next start or reload then."""
    try:
        await record_applied(runtime.keys.audit, Loaded(runtime.current.config, runtime.document))
    except (ApiError, OSError) as error:
        log.critical("the configuration of this start is not in the audit: %s", error)


class Watcher:
    """Reloads one configuration. Survives every failure of a reload: the old configuration stays."""

    def __init__(self, file: Path, runtime: Runtime) -> None:
        self._file = file
        self._runtime = runtime
        self._marks = dict(runtime.document.marks)
        """Marks of the files of the last attempt, refused or not."""
        self._texts = dict(runtime.document.texts)
        self._target: tuple[Path | None, Mark] | None = None
        """Target of the given path: a link may be swapped while its old target stays."""

    async def watch(self, now: asyncio.Event) -> None:
        """Run until cancelled."""
        self._target = await asyncio.to_thread(_target, self._file)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.wait(), POLL_SECONDS)
            if now.is_set() or await asyncio.to_thread(self._changed):
                now.clear()
                await self._settled()
                await self._reload()

    def _changed(self) -> bool:
        return _target(self._file) != self._target or _marks(self._marks) != self._marks

    async def _settled(self) -> None:
        """Wait until the files stay the same."""
        marks = await asyncio.to_thread(_marks, self._marks)
        for _ in range(_MOST_LOOKS):
            await asyncio.sleep(_SETTLE_SECONDS)
            before, marks = marks, await asyncio.to_thread(_marks, self._marks)
            if before == marks:
                return

    async def _reload(self) -> None:
        """Swap in the files as they are now, or log why not."""
        document = Document()
        self._target = await asyncio.to_thread(_target, self._file)
        before = await asyncio.to_thread(_marks, self._marks)
        try:
            loaded = await asyncio.to_thread(self._checked, document)
            await record_applied(self._runtime.keys.audit, loaded)
            self._runtime.swap(loaded)
            self._texts = dict(document.texts)
            log.info("configuration changed: %d models", len(loaded.config.models))
        except (ConfigError, ApiError) as error:
            log.error("the changed configuration is refused, the old one stays:\n%s", error)
            await self._record_refused(str(error))
        except Exception as error:
            name = type(error).__name__
            log.error("the changed configuration is refused, the old one stays:\n%s: not usable (%s)", self._file, name)
            log.debug("why", exc_info=True)
        self._marks = document.marks or before

    async def _record_refused(self, problem: str) -> None:
        """Record a refusal; what cannot be recorded is in the log, and nothing was changed."""
        with contextlib.suppress(ApiError):
            await record_refused(self._runtime.keys.audit, [self._file.name], problem)

    def _checked(self, document: Document) -> Loaded:
        loaded = load_startable(self._file, document=document)
        check_change(self._runtime.current.config, self._texts, loaded)
        return loaded


def _target(file: Path) -> tuple[Path | None, Mark]:
    """Return the file that a path leads to, and what it is like now."""
    try:
        return file.resolve(), mark_of(file)
    except (OSError, RuntimeError, ValueError):
        return None, mark_of(file)


def _marks(files: Iterable[Path]) -> dict[Path, Mark]:
    return {file: mark_of(file) for file in files}
