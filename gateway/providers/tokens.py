"""Access tokens that libraries fetch: renewed early, one at a time, beside the event loop, and kept while they last."""

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from gateway.providers.authorizing import missing

log = logging.getLogger("sekisho.providers")

EARLY_SECONDS = 300.0
"""So long before its end a token is renewed."""
_SHORTEST_SECONDS = 30.0
"""A token that ends sooner is not used any more where it cannot be renewed."""
_PAUSE_SECONDS = 10.0
"""Between two attempts to renew a token."""
_DISTRUST_SECONDS = 60.0
"""A token that is newer is not replaced though it is refused: another one would be, too."""
_REMEMBERED = 2
"""Tokens that are known to redaction: requests may still be under way with the one before."""


class TokenSource(ABC):
    """Credentials and their token of the moment."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tokens: tuple[str, ...] = ()
        self._ends = self._renew_at = 0.0
        self._fetched_at = 0.0
        self._failure = ""
        self._lock = threading.Lock()
        self._renewing: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """Return where the credentials are from, for the administrator: a file, a variable. No secret."""

    @abstractmethod
    def fetch(self) -> tuple[str, float]:
        """Return a new token and the second since 1970 in which it ends. Blocks; may raise anything."""

    @abstractmethod
    def explain(self, error: Exception) -> str:
        """Return why there is no token, and what to do, without the words of others, which may quote a secret."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the last tokens, which no log and no client may see."""
        return self._tokens

    async def token(self) -> str:
        """Return a token that is good for a while. Raises `CredentialsMissing`, whose cause is in the log."""
        if self._clock() >= self._renew_at:
            renewing = self._renewing
            if renewing is None or renewing.done() or renewing.get_loop() is not asyncio.get_running_loop():
                renewing = self._renewing = asyncio.ensure_future(asyncio.to_thread(self.renew))
            if not self._holds:
                await asyncio.shield(renewing)
        if not self._holds:
            raise missing()
        return self._tokens[0]

    def renew(self) -> None:
        """Get a new token; blocks. Where that fails the old one is used while it lasts, and the log says why."""
        with self._lock:
            if self._clock() < self._renew_at:
                return
            try:
                token, self._ends = self.fetch()
                self._tokens = (token, *self._tokens)[:_REMEMBERED]
                self._failure, self._fetched_at = "", self._clock()
                self._renew_at = max(self._ends - EARLY_SECONDS, self._clock() + _PAUSE_SECONDS)
            except Exception as error:  # those of transports and files are among them
                self._failure = f"{self.name}: {self.explain(error)}"
                log.error("credentials: %s", self._failure)
                self._renew_at = self._clock() + _PAUSE_SECONDS

    def problem(self) -> str | None:
        """Return why there is no token; None where there is one. Blocks, unless that was just tried."""
        self.renew()
        return None if self._holds else self._failure

    def distrust(self) -> None:
        """Get another token for the next request, as the cloud did not take this one. Never waits."""
        if self._tokens and self._clock() - self._fetched_at > _DISTRUST_SECONDS and self._lock.acquire(blocking=False):
            self._renew_at = self._ends = 0.0
            self._lock.release()

    @property
    def _holds(self) -> bool:
        return bool(self._tokens) and self._clock() < self._ends - _SHORTEST_SECONDS
