"""Run the maintenance of a ledger from time to time, in a process that one of the workers starts."""

import asyncio
import contextlib
import fcntl
import logging
import os
import sys
import time
from pathlib import Path

from gateway.config.schema import Config
from gateway.ledger.segments import CLOSED, SHIPPED, folder

log = logging.getLogger("sekisho.ledger")

_STOP_SECONDS = 5.0
_CONFIRM_SECONDS = 3600.0


class MaintenanceScheduler:
    """Runs `sekisho ledger tend` every `ledger.ship_seconds` where there is something to do."""

    def __init__(self, config: Config, config_file: Path) -> None:
        self._seconds = config.ledger.ship_seconds
        self._data_dir = config.data_dir
        self._command = (sys.executable, "-m", "gateway", "ledger", "tend", "--config", str(config_file))
        self._task: asyncio.Task[None] | None = None
        self._election = -1
        self._ran_at = float("-inf")

    def start(self) -> None:
        if self._seconds is not None:
            self._task = asyncio.create_task(self._forever(self._seconds), name="ledger-maintenance")

    async def stop(self) -> None:
        """Stop; a job that is running is terminated, and the next one repeats it."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._election >= 0:
            os.close(self._election)

    async def _forever(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                if await asyncio.to_thread(self._is_due):
                    await self._run()
            except OSError as error:
                log.error("the ledger cannot be tended: %s", error)

    def _is_due(self) -> bool:
        """Return whether there is something to do and this worker is elected to do it.

        A machine without records says from time to time, too, that it knows who was forgotten.
        """
        due = time.monotonic() - self._ran_at > _CONFIRM_SECONDS
        paths = folder(self._data_dir).glob("*")
        return (due or any(path.suffix in (CLOSED, SHIPPED) for path in paths)) and self._is_elected()

    def _is_elected(self) -> bool:
        if self._election < 0:
            file = os.open(self._data_dir / "ledger" / "tending", os.O_RDWR | os.O_CREAT, 0o640)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._election = file
        return True

    async def _run(self) -> None:
        self._ran_at = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            await _ended(process)
            raise
        if process.returncode:
            log.error("the ledger was not shipped: %s", said.decode(errors="replace").strip()[-1000:])


async def _ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
