"""Looks now and then whether the credentials of all deployments can be used, before a request finds it out."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial

from gateway.routing.target import Target

log = logging.getLogger("sekisho.providers")

EVERY_SECONDS = 60.0
_MOST_NAMED = 5


class CredentialsWatch:
    """Knows of which models the credentials are missing or expired. `/readyz` reads it, and never waits."""

    def __init__(self, targets: Callable[[], Iterable[Target]], every: float = EVERY_SECONDS) -> None:
        """Watch the deployments that `targets` returns, those of the current configuration."""
        self._targets = targets
        self._every = every
        self._problems: dict[str, str] = {}
        self._models: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more; a look that is under way may end by itself."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def warning(self) -> str | None:
        """Return which models cannot be asked, in words for whoever asks; the log says whose credentials those are."""
        if not self._models:
            return None
        more = len(self._models) - _MOST_NAMED
        named = ", ".join(self._models[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"credentials are missing or expired for {named}; the log says which"

    async def _watch(self) -> None:
        while True:
            targets = list(self._targets())
            self._told(targets, await _beside(partial(_look, targets)))
            await asyncio.sleep(self._every)

    def _told(self, targets: list[Target], problems: dict[str, str]) -> None:
        """Log what is new."""
        for name, problem in problems.items():
            if self._problems.get(name) != problem:
                log.error("credentials: %s: %s", name, problem)
        for name in self._problems.keys() - problems.keys():
            log.warning("credentials: %s: they work again", name)
        self._problems = problems
        models = (target.model.name for target in targets if target.id in problems)
        self._models = tuple(dict.fromkeys(models))


async def _beside(look: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return what a thread gives that no end of the process waits for: a cloud's own servers may keep silent long."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[dict[str, str]] = loop.create_future()

    def tell(problems: dict[str, str]) -> None:
        if not found.done():
            found.set_result(problems)

    def run() -> None:
        problems = look()
        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any more
            loop.call_soon_threadsafe(tell, problems)

    threading.Thread(target=run, name="credentials", daemon=True).start()
    return await found


def _look(targets: list[Target]) -> dict[str, str]:
    """Return what is wrong with the credentials of deployments, by their ids. Blocks."""
    found = ((target.id, _problem(target)) for target in targets)
    return {name: problem for name, problem in found if problem}


def _problem(target: Target) -> str | None:
    try:
        return target.credentials_problem()
    except Exception as error:  # a library's own fault must not end the looking
        return f"{target.credentials_name}: {type(error).__name__}"
