"""Restores the sums of machines that are gone for good into a shared store that lost its data."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from gateway.limits.store import ADOPT, Store, StoreAway
from gateway.spending.days import DAY_SECONDS, DAYS_KEPT, day_of
from gateway.spending.other_ledgers import Unreadable, spending_of_other_ledgers

log = logging.getLogger("sekisho.limits")

_LOOK_SECONDS = 30.0
"""Seconds between two checks."""
_AGAIN_SECONDS = 300.0
"""Seconds until the next try where the destination could not be read."""
_PART = 1000
_KEEP_SECONDS = (DAYS_KEPT + 8) * DAY_SECONDS


class Adoption:
    """Done by the first machine that notices; several change nothing more. Without a destination it does nothing."""

    def __init__(self, store: Store, config_file: Path | None, clock: Callable[[], float]) -> None:
        self._store = store
        self._config_file = config_file
        self._clock = clock
        self._look_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def lost(self) -> None:
        """Check at the next call: the store has just lost its data, or is new."""
        self._look_at = 0.0

    async def adopt_once(self) -> None:
        """Start restoring where the store does not have the sums. Raises `StoreAway`."""
        if self._config_file is None or self._task is not None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        if not await self._put((), last=False):
            self._task = asyncio.create_task(self._adopt(self._config_file), name="adopting spending")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _adopt(self, config_file: Path) -> None:
        try:
            sums = await spending_of_other_ledgers(config_file)
            for start in range(0, len(sums), _PART):
                await self._put(sums[start : start + _PART], last=False)
            await self._put((), last=True)
            log.info(
                "limits: %s has the spending of %d other ledgers", self._store.name, len({each[0] for each in sums})
            )
        except (Unreadable, StoreAway) as error:
            self._look_at = time.monotonic() + _AGAIN_SECONDS
            log.error("limits: the spending of other machines cannot be read from the ledger's destination: %s", error)
        except Exception:
            self._look_at = time.monotonic() + _AGAIN_SECONDS
            log.exception("limits: the spending of other machines was not restored")
        finally:
            self._task = None

    async def _put(self, sums: object, *, last: bool) -> bool:
        first_day = day_of(self._clock()) - DAYS_KEPT
        return bool(await self._store.run(ADOPT, _KEEP_SECONDS, first_day, sums, last))
